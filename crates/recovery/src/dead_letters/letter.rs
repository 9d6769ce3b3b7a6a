//! One dead letter: what it says of itself, and whether it is asked for. Pure.

use aws::envelope::Delivery;
use aws::queue::Received;
use serde::Serialize;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use webhook::{CorrelationId, Event, Platform};

/// SQS moved it, so no function wrote a reason.
const NO_REASON: &str = "received too often";
/// More groups are added up.
const MOST_GROUPS: usize = 50;

/// A received dead letter without its body, so that many of them need little memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) sent_at: Option<OffsetDateTime>,
    pub(crate) reason: Option<String>,
    /// `None` if this release cannot read it.
    pub(crate) event: Option<About>,
}

/// The event in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) platform: Platform,
    pub(crate) type_label: String,
    pub(crate) event_type: Option<String>,
    pub(crate) identity: String,
    pub(crate) correlation_id: String,
    pub(crate) callback_id: Option<String>,
    pub(crate) entity_id: Option<String>,
}

/// Which dead letters are asked for: those to which all of it applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// A part of the reason.
    pub reason: Option<String>,
    /// Sent to the dead-letter queue this long ago, or longer.
    pub older_than: Option<Duration>,
    /// What was sent later came back while this runs, or is new. By default, now.
    pub sent_before: Option<OffsetDateTime>,
    pub event_type: Option<String>,
    pub callback_id: Option<String>,
    pub entity_id: Option<String>,
    /// As in the logs.
    pub correlation_id: Option<String>,
    /// Also those that this release cannot read.
    pub unreadable: bool,
}

impl Letter {
    pub(crate) fn of(received: &Received) -> Self {
        let event = |delivery: Delivery| About::of(&platforms::read(delivery.platform, &delivery.body));
        let event = Delivery::open(&received.body).ok().map(event);
        Letter { sent_at: received.sent_at, reason: received.attributes.get("reason").cloned(), event }
    }

    pub(crate) fn full_reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(NO_REASON)
    }

    /// The reason without what differs between messages with the same one.
    pub(crate) fn reason(&self) -> &str {
        let reason = self.full_reason();
        match reason.strip_prefix("gave up after ") {
            Some(rest) => rest.split_once(": ").map_or(rest, |(_, reason)| reason),
            None => reason,
        }
    }

    fn type_label(&self) -> &str {
        self.event.as_ref().map_or("not readable", |event| &event.type_label)
    }

    /// Whether all but `sent_before` and `unreadable` applies.
    fn is_meant(&self, wanted: &Wanted, now: OffsetDateTime) -> bool {
        let Wanted { reason, older_than, event_type, callback_id, entity_id, correlation_id, .. } = wanted;
        let of_event = |value: fn(&About) -> Option<&str>| self.event.as_ref().and_then(value);
        let is = |wanted: &Option<String>, value: fn(&About) -> Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| of_event(value) == Some(wanted))
        };
        let says = |part: &String| self.full_reason().contains(part.as_str());
        reason.as_ref().is_none_or(says)
            && older_than.is_none_or(|age| self.sent_at.is_some_and(|sent_at| sent_at <= now - age))
            && is(event_type, |event| event.event_type.as_deref())
            && is(callback_id, |event| event.callback_id.as_deref())
            && is(entity_id, |event| event.entity_id.as_deref())
            && correlation_id
                .as_deref()
                .is_none_or(|id| of_event(|event| Some(&event.correlation_id)) == Some(CorrelationId::of(id).as_str()))
    }
}

impl About {
    fn of(event: &Event) -> Self {
        About {
            platform: event.platform,
            type_label: event.type_label().to_owned(),
            event_type: event.event_type.clone(),
            identity: event.identity.as_str().to_owned(),
            correlation_id: event.correlation_id().as_str().to_owned(),
            callback_id: event.callback_id.clone(),
            entity_id: event.entity_id.clone(),
        }
    }
}

/// What is done with a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Take,
    /// It was not there when this began.
    LeaveNewer,
    /// This release cannot read it, so it would only come back.
    LeaveUnreadable,
    Leave,
}

impl Wanted {
    pub(crate) fn choose(&self, letter: &Letter, now: OffsetDateTime) -> Choice {
        let before = self.sent_before.unwrap_or(now);
        if !letter.is_meant(self, now) {
            Choice::Leave
        } else if letter.sent_at.is_some_and(|sent_at| sent_at > before) {
            Choice::LeaveNewer
        } else if !self.unreadable && letter.event.is_none() {
            Choice::LeaveUnreadable
        } else {
            Choice::Take
        }
    }
}

/// How many dead letters there are, and which of them are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All that were found.
    pub found: usize,
    /// Those that are asked for.
    pub matching: usize,
    /// Those that are asked for, but cannot be read by this release, so they stay.
    pub unreadable: usize,
    /// Those that are asked for, but were not there when this began, so they stay.
    pub newer: usize,
    /// Of those that are asked for, whether they can be read or not: when the oldest was sent.
    #[serde(with = "time::serde::rfc3339::option")]
    pub oldest: Option<OffsetDateTime>,
    /// The same by reason.
    pub by_reason: BTreeMap<String, usize>,
    /// The same by event type.
    pub by_type: BTreeMap<String, usize>,
}

impl Counts {
    pub(crate) fn add(&mut self, letter: &Letter, choice: Choice) {
        self.found += 1;
        match choice {
            Choice::Leave => return,
            Choice::LeaveNewer => self.newer += 1,
            Choice::LeaveUnreadable => self.unreadable += 1,
            Choice::Take => self.matching += 1,
        }
        self.oldest = self.oldest.into_iter().chain(letter.sent_at).min();
        count(&mut self.by_reason, letter.reason());
        count(&mut self.by_type, letter.type_label());
    }
}

fn count(groups: &mut BTreeMap<String, usize>, name: &str) {
    let name = if groups.len() < MOST_GROUPS || groups.contains_key(name) { name } else { "other" };
    *groups.entry(aws::jobs::printable(name)).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn letter(reason: Option<&str>, hours: i64) -> Letter {
        let event = About {
            platform: Platform::HeyGen,
            type_label: "avatar_video.success".into(),
            event_type: Some("avatar_video.success".into()),
            identity: "i".into(),
            correlation_id: "order_1".into(),
            callback_id: Some("order_1".into()),
            entity_id: Some("v1".into()),
        };
        Letter { sent_at: Some(NOW - Duration::hours(hours)), reason: reason.map(str::to_owned), event: Some(event) }
    }

    #[test]
    fn a_letter_is_taken_only_if_every_condition_applies() {
        let letter = letter(Some("dynamodb:TransactWriteItems failed: ValidationException"), 5);
        let text = |text: &str| Some(text.to_owned());
        let some = |wanted: Wanted| wanted.choose(&letter, NOW) == Choice::Take;
        let is = Wanted::default;
        assert!(some(is()));
        for (yes, no) in [
            (Wanted { reason: text("Validation"), ..is() }, Wanted { reason: text("AccessDenied"), ..is() }),
            (
                Wanted { older_than: Some(Duration::hours(5)), ..is() },
                Wanted { older_than: Some(Duration::hours(6)), ..is() },
            ),
            (Wanted { event_type: text("avatar_video.success"), ..is() }, Wanted { event_type: text("x"), ..is() }),
            (Wanted { callback_id: text("order_1"), ..is() }, Wanted { callback_id: text("order"), ..is() }),
            (Wanted { entity_id: text("v1"), ..is() }, Wanted { entity_id: text("order_1"), ..is() }),
            (Wanted { correlation_id: text("order_1"), ..is() }, Wanted { correlation_id: text("v1"), ..is() }),
        ] {
            assert!(some(yes.clone()), "{yes:?}");
            assert!(!some(no.clone()), "{no:?}");
            assert!(!some(Wanted { reason: text("another"), ..yes }));
        }
    }

    #[test]
    fn a_letter_is_read_as_its_own_platforms() {
        let look_up = webhook::LookUp {
            kind: "did.talk".to_owned(),
            entity_id: "t1".to_owned(),
            callback_id: Some("order_1".to_owned()),
            answer: None,
            failure: None,
        };
        let delivery = Delivery {
            platform: Platform::Did,
            endpoint: "main".to_owned(),
            received_at: NOW,
            request_id: String::new(),
            via: "confirm".to_owned(),
            advisory: aws::envelope::Advisory::default(),
            body: look_up.to_verified(),
        };
        let received = Received { body: delivery.seal().unwrap(), ..Received::default() };
        let about = Letter::of(&received).event.unwrap();
        assert_eq!((about.platform, about.entity_id.as_deref()), (Platform::Did, Some("t1")));
        assert_eq!(about.correlation_id, "order_1");
    }

    #[test]
    fn a_letter_that_cannot_be_read_stays_unless_asked_for() {
        let letter = Letter { event: None, ..letter(Some("not an envelope"), 1) };
        let envelope = Wanted { reason: Some("envelope".into()), ..Wanted::default() };
        assert_eq!(envelope.choose(&letter, NOW), Choice::LeaveUnreadable);
        assert_eq!(Wanted { unreadable: true, ..envelope.clone() }.choose(&letter, NOW), Choice::Take);
        let of_order = Wanted { callback_id: Some("order_1".into()), unreadable: true, ..envelope };
        assert_eq!(of_order.choose(&letter, NOW), Choice::Leave);
    }

    #[test]
    fn a_letter_that_came_while_this_runs_stays() {
        let wanted = Wanted::default();
        assert_eq!(wanted.choose(&letter(None, 0), NOW), Choice::Take);
        let newer = Letter { sent_at: Some(NOW + Duration::milliseconds(1)), ..letter(None, 0) };
        assert_eq!(wanted.choose(&newer, NOW), Choice::LeaveNewer);
        let of_an_earlier_run = Wanted { sent_before: Some(NOW - Duration::hours(2)), ..wanted };
        assert_eq!(of_an_earlier_run.choose(&letter(None, 2), NOW), Choice::Take);
        assert_eq!(of_an_earlier_run.choose(&letter(None, 1), NOW), Choice::LeaveNewer);
    }

    #[test]
    fn letters_are_counted_by_what_they_have_in_common() {
        let mut counts = Counts::default();
        let letters = [
            letter(None, 3),
            letter(Some("gave up after 990 attempts in 324 hours: dynamodb:X failed: ThrottlingException"), 2),
            letter(Some("gave up after 12 attempts in 325 hours: dynamodb:X failed: ThrottlingException"), 9),
            letter(Some("dynamodb:X failed: \u{1b}[2JValidationException"), 1),
        ];
        for letter in &letters {
            counts.add(letter, Choice::Take);
        }
        counts.add(&Letter { event: None, ..letter(Some("not an envelope"), 2) }, Choice::LeaveUnreadable);
        counts.add(&letter(Some("another"), 99), Choice::Leave);
        assert_eq!((counts.found, counts.matching, counts.unreadable), (6, 4, 1));
        assert_eq!(counts.oldest, Some(NOW - Duration::hours(9)));
        let group = |name: &str, count: usize| (name.to_owned(), count);
        let reasons = [
            group("dynamodb:X failed:  [2JValidationException", 1),
            group("dynamodb:X failed: ThrottlingException", 2),
            group("not an envelope", 1),
            group(NO_REASON, 1),
        ];
        assert_eq!(counts.by_reason, BTreeMap::from(reasons));
        assert_eq!(counts.by_type, BTreeMap::from([group("avatar_video.success", 4), group("not readable", 1)]));
    }

    #[test]
    fn many_different_reasons_are_added_up() {
        let mut counts = Counts::default();
        for number in 0..1_000 {
            counts.add(&letter(Some(&format!("reason {number}")), 1), Choice::Take);
        }
        assert!(counts.by_reason.len() <= MOST_GROUPS + 1);
        assert_eq!(counts.by_reason.values().sum::<usize>(), 1_000);
    }
}
