//! What tracking writes on a job's item. Pure.
//!
//! What was tracked before stays unless it is given anew, also what was tracked while the job's entity was not known.

use crate::track::tracked::{DUE_AT, EXPECTED_BY, KEEP_FRESH, SHARD, TIMES_TRACKED, TRACKED_AS, TRACKED_AT, is_ours};
use aws::clock::from_text;
use aws_sdk_dynamodb::types::AttributeValue::{self, N};
use std::collections::HashMap;

/// An item as DynamoDB has it. JSON knows neither sets nor bytes nor numbers of 38 digits.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// What a request to track a job says.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Replaces what is there.
    pub(crate) anew: Item,
    /// Is written if nothing is there.
    pub(crate) at_first: Item,
    /// How often it was tracked with it.
    pub(crate) times: u64,
}

/// Moves from the item of a job whose entity was not known, beside a team's own attributes.
const TRACKING: [&str; 4] = [EXPECTED_BY, KEEP_FRESH, SHARD, DUE_AT];

/// The attributes of `job` that change. `replaced` is the item whose place it takes.
pub(crate) fn merged(job: &Item, replaced: Option<&Item>, given: &Given) -> Item {
    let mut after = job.clone();
    let mut times = given.times + number(job, TIMES_TRACKED);
    if let Some(replaced) = replaced {
        let is_later = job.contains_key(TRACKED_AT) && text(replaced, TRACKED_AT) > text(job, TRACKED_AT);
        let moved = replaced.iter().filter(|(name, _)| !is_ours(name) || TRACKING.contains(&name.as_str()));
        for (name, value) in moved {
            // Every tracked job has a time, given or not.
            let is_anew = is_later && (!is_ours(name) || name == KEEP_FRESH);
            if is_anew || !after.contains_key(name) {
                after.insert(name.clone(), value.clone());
            }
        }
        let first = [job, replaced].into_iter().filter_map(|item| text(item, TRACKED_AT).zip(item.get(TRACKED_AT)));
        let first = first.min_by_key(|(at, _)| *at);
        after.extend(first.map(|(_, at)| (TRACKED_AT.to_owned(), at.clone())));
        after.extend(replaced.get("item").map(|item| (TRACKED_AS.to_owned(), item.clone())));
        after.extend(smaller_callback_id(&after, replaced));
        times += number(replaced, TIMES_TRACKED);
    }
    let callback_id = smaller_callback_id(&after, &given.anew);
    after.extend(given.anew.iter().filter(|(name, _)| *name != CALLBACK_ID).map(owned));
    after.extend(callback_id);
    for (name, value) in given.at_first.iter().map(owned) {
        after.entry(name).or_insert(value);
    }
    let expected_by = text(&after, EXPECTED_BY).and_then(|at| from_text(at).ok());
    if let Some(at) = expected_by.filter(|_| given.anew.contains_key(EXPECTED_BY) || !after.contains_key(DUE_AT)) {
        after.insert(DUE_AT.to_owned(), N(at.unix_timestamp().to_string()));
    }
    after.insert(TIMES_TRACKED.to_owned(), N(times.to_string()));
    after.retain(|name, value| job.get(name) != Some(value));
    after
}

const CALLBACK_ID: &str = "callback_id";

/// Of several `callback_id`s for one job the smallest stays, as with the processor.
fn smaller_callback_id(item: &Item, other: &Item) -> Option<(String, AttributeValue)> {
    let own = text(item, CALLBACK_ID).filter(|id| !id.is_empty());
    let other = text(other, CALLBACK_ID).filter(|id| !id.is_empty() && own.is_none_or(|own| *id < own))?;
    Some((CALLBACK_ID.to_owned(), AttributeValue::S(other.to_owned())))
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(|value| value.as_n().ok()?.parse().ok()).unwrap_or_default()
}

fn owned((name, value): (&String, &AttributeValue)) -> (String, AttributeValue) {
    (name.clone(), value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue::{B, Bool, Ns, S};

    const EARLY: &str = "2026-11-21T08:00:00.000Z";
    const LATE: &str = "2026-11-21T09:00:00.000Z";

    fn item(attributes: &[(&str, AttributeValue)]) -> Item {
        attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn s(text: &str) -> AttributeValue {
        S(text.to_owned())
    }

    fn placeholder(more: &[(&str, AttributeValue)]) -> Item {
        let mut placeholder = item(&[
            ("id", s("callback_id:o")),
            ("item", s("job#avatar_video#callback_id:o")),
            ("entity_id", s("callback_id:o")),
            ("status", s("pending")),
            (TRACKED_AT, s(EARLY)),
            (EXPECTED_BY, s(LATE)),
            (SHARD, s("7")),
            (DUE_AT, N("1".to_owned())),
            (TIMES_TRACKED, N("2".to_owned())),
        ]);
        placeholder.extend(item(more));
        placeholder
    }

    #[test]
    fn what_a_team_wrote_moves_as_it_is() {
        let digits = "12345678901234567890123456789012345678";
        let own = [
            ("customer", s("7")),
            ("numbers", Ns(vec![digits.to_owned(), "1".to_owned()])),
            ("bytes", B(Blob::new([0xff, 0]))),
            ("large", N(digits.to_owned())),
        ];
        let job = item(&[("id", s("v")), ("status", s("succeeded")), ("entity_id", s("v"))]);
        let set =
            merged(&job, Some(&placeholder(&[&own[..], &[(KEEP_FRESH, Bool(true))]].concat())), &Given::default());
        let expected = [
            (KEEP_FRESH, Bool(true)),
            (TRACKED_AT, s(EARLY)),
            (EXPECTED_BY, s(LATE)),
            (SHARD, s("7")),
            (DUE_AT, N("1".to_owned())),
            (TIMES_TRACKED, N("2".to_owned())),
            (TRACKED_AS, s("job#avatar_video#callback_id:o")),
        ];
        assert_eq!(set, item(&[&own[..], &expected].concat()));
    }

    #[test]
    fn what_was_tracked_before_stays_unless_it_is_given_anew() {
        let customer = |item: &Item| text(item, "customer").map(str::to_owned);
        let before = placeholder(&[("customer", s("before"))]);
        let anew = Given { anew: item(&[("customer", s("anew"))]), times: 1, ..Given::default() };
        let job = |tracked_at: &str| item(&[(TRACKED_AT, s(tracked_at)), ("customer", s("on the job"))]);
        assert_eq!(customer(&merged(&Item::new(), Some(&before), &Given::default())).as_deref(), Some("before"));
        for given in [&anew, &Given { at_first: item(&[(EXPECTED_BY, s("never"))]), ..Given::default() }] {
            assert_eq!(merged(&before, None, given).get(EXPECTED_BY), None);
        }
        assert_eq!(customer(&merged(&Item::new(), Some(&before), &anew)).as_deref(), Some("anew"));
        assert_eq!(customer(&merged(&job(LATE), Some(&before), &Given::default())), None, "it was tracked later");
        let earlier = job("2026-11-21T07:00:00.000Z");
        assert_eq!(customer(&merged(&earlier, Some(&before), &Given::default())).as_deref(), Some("before"));
        let untracked = item(&[("customer", s("by hand"))]);
        assert_eq!(customer(&merged(&untracked, Some(&before), &Given::default())), None);
    }

    #[test]
    fn a_job_is_due_when_it_is_expected() {
        let due = |set: &Item| set.get(DUE_AT).map(|at| at.as_n().unwrap().clone());
        let given = |at: &str| Given { anew: item(&[(EXPECTED_BY, s(at))]), ..Given::default() };
        let tracked = placeholder(&[]);
        assert_eq!(due(&merged(&tracked, None, &Given::default())), None, "as before");
        assert_eq!(due(&merged(&tracked, None, &given("2026-11-21T10:00:00Z"))).unwrap(), "1795255200");
        let first = Given { at_first: item(&[(EXPECTED_BY, s("2026-11-21T10:00:00Z"))]), ..Given::default() };
        assert_eq!(due(&merged(&Item::new(), None, &first)).unwrap(), "1795255200");
        let mut forgotten = tracked.clone();
        forgotten.retain(|name, _| name != DUE_AT);
        assert_eq!(due(&merged(&forgotten, None, &Given::default())).unwrap(), "1795251600");
    }

    #[test]
    fn of_several_callback_ids_the_smallest_stays() {
        let with = |id: &str| item(&[(CALLBACK_ID, s(id))]);
        let set = |job: &Item, id: &str| {
            let set = merged(job, None, &Given { anew: with(id), ..Given::default() });
            text(&set, CALLBACK_ID).map(str::to_owned)
        };
        assert_eq!(set(&Item::new(), "b").as_deref(), Some("b"));
        assert_eq!(set(&with(""), "b").as_deref(), Some("b"));
        assert_eq!(set(&with("c"), "b").as_deref(), Some("b"));
        assert_eq!(set(&with("a"), "b"), None);
        let moved = merged(&with(""), Some(&placeholder(&[(CALLBACK_ID, s("o"))])), &Given::default());
        assert_eq!(text(&moved, CALLBACK_ID), Some("o"));
    }
}
