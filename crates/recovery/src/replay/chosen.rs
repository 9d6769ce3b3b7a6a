//! Which jobs and events a replay is about. Pure.

use aws::clock::to_text;
use aws::jobs::{EventItem, JobItem, NO_ENTITY};
use time::OffsetDateTime;
use webhook::Status;

/// Those to which all of it applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Of a job, when it changed; of an event, when it was received.
    pub since: Option<OffsetDateTime>,
    pub until: Option<OffsetDateTime>,
    pub event_type: Option<String>,
    pub status: Option<Status>,
    /// Also jobs that ended by `until`, and got other links or a `callback_id` later: their item has only the time of that.
    pub also_renewed: bool,
}

impl Chosen {
    pub(crate) fn has_job(&self, job: &JobItem) -> bool {
        let has_ended = matches!(job.status, Some(Status::Succeeded | Status::Failed));
        let is_renewed = job.status.is_some_and(|status| status.as_str() == job.previous_status);
        has_ended
            && self.is_since(&job.updated_at)
            && (self.is_until(&job.updated_at) || self.also_renewed && is_renewed)
            && self.status.is_none_or(|status| job.status == Some(status))
            && self.event_type.as_ref().is_none_or(|event_type| job.event_type == *event_type)
    }

    /// Only an event that says how a job ended can change one; that a job without an entity never reported is no event of
    /// HeyGen's. `status` is what it says.
    pub(crate) fn has_event(&self, event: &EventItem, status: Option<Status>) -> bool {
        let is_of_placeholder = event.entity_id.as_ref().is_some_and(|id| id.starts_with(NO_ENTITY));
        event.job.is_some()
            && !is_of_placeholder
            && self.is_since(&event.received_at)
            && self.is_until(&event.received_at)
            && self.status.is_none_or(|wanted| status == Some(wanted))
            && self.event_type.as_ref().is_none_or(|event_type| event.event_type.as_ref() == Some(event_type))
    }

    /// The table's times have one format, so they sort as texts.
    fn is_since(&self, time: &str) -> bool {
        self.since.is_none_or(|since| *to_text(since) <= *time)
    }

    fn is_until(&self, time: &str) -> bool {
        self.until.is_none_or(|until| *time <= *to_text(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn only_what_every_condition_applies_to_is_chosen() {
        let job = JobItem {
            status: Some(Status::Succeeded),
            previous_status: "none".into(),
            event_type: "avatar_video.success".into(),
            updated_at: "2026-11-22T03:00:00.000Z".into(),
            ..JobItem::default()
        };
        let event = EventItem {
            job: Some("job#avatar_video#v".into()),
            event_type: Some(job.event_type.clone()),
            received_at: job.updated_at.clone(),
            ..EventItem::default()
        };
        let at = |hour: u8| Some(datetime!(2026-11-22 00:00 UTC).replace_hour(hour).unwrap());
        let text = |text: &str| Some(text.to_owned());
        let is = Chosen::default;
        let has = |chosen: &Chosen| {
            let answers = (chosen.has_job(&job), chosen.has_event(&event, Some(Status::Succeeded)));
            assert_eq!(answers.0, answers.1, "{chosen:?}");
            answers.0
        };
        assert!(has(&is()));
        for (yes, no) in [
            (Chosen { since: at(3), ..is() }, Chosen { since: at(4), ..is() }),
            (Chosen { until: at(3), ..is() }, Chosen { until: at(2), ..is() }),
            (Chosen { status: Some(Status::Succeeded), ..is() }, Chosen { status: Some(Status::Failed), ..is() }),
            (
                Chosen { event_type: text("avatar_video.success"), ..is() },
                Chosen { event_type: text("avatar_video"), ..is() },
            ),
        ] {
            assert!(has(&yes) && !has(&no), "{yes:?} {no:?}");
        }
        assert!(!is().has_event(&EventItem { job: None, ..event.clone() }, None));
        let unreported = EventItem { entity_id: text("callback_id:order_1"), ..event.clone() };
        assert!(!is().has_event(&unreported, Some(Status::Failed)));
        assert!(!is().has_job(&JobItem { status: None, ..job.clone() }));

        let earlier = Chosen { until: at(2), also_renewed: true, ..is() };
        assert!(!earlier.has_job(&job), "it changed later");
        let renewed = JobItem { previous_status: "succeeded".into(), ..job.clone() };
        assert!(earlier.has_job(&renewed), "its links were renewed later");
        assert!(!Chosen { since: at(4), ..earlier }.has_job(&renewed));
    }
}
