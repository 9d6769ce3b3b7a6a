//! What a tracked job's item has beside the processor's attributes, and where that item is. Pure.

use aws::jobs::NO_ENTITY;
use heygen::api::EntityKind;
use serde_json::{Map, Value, json};
use webhook::{Event, Failure, Job, LookUp, Platform, Verified};

/// The index of the items that have to be looked at, by [`SHARD`] and [`DUE_AT`].
pub const INDEX: &str = "due";
/// One of [`SHARDS`], any. They spread the writes.
pub const SHARD: &str = "due_shard";
/// When to look at the item next, in Unix seconds.
pub const DUE_AT: &str = "due_at";
/// When it was tracked first, in RFC 3339.
pub const TRACKED_AT: &str = "tracked_at";
/// When the job should have ended, in RFC 3339.
pub const EXPECTED_BY: &str = "expected_by";
/// Whether its links are replaced before they expire.
pub const KEEP_FRESH: &str = "keep_fresh";
/// The sort key of the item whose place this one took, when the job's entity became known.
pub const TRACKED_AS: &str = "tracked_as";
/// How often it was tracked. So it changes whenever a request to track the job is carried out.
pub const TIMES_TRACKED: &str = "times_tracked";

pub const SHARDS: [&str; 16] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"];

/// The attributes of a job's item that are not a team's own.
const OURS: [&str; 30] = [
    "id",
    "item",
    "platform",
    "kind",
    "entity_id",
    "event_type",
    "status",
    "status_rank",
    "previous_status",
    "identity",
    "decided_by",
    "links",
    "links_expire_at",
    "failure",
    "reason",
    "output_language",
    "callback_id",
    "endpoint",
    "occurred_at",
    "received_at",
    "updated_at",
    "result_omitted",
    "job_event",
    SHARD,
    DUE_AT,
    TRACKED_AT,
    EXPECTED_BY,
    KEEP_FRESH,
    TRACKED_AS,
    TIMES_TRACKED,
];

pub(crate) fn is_ours(attribute: &str) -> bool {
    OURS.contains(&attribute) || matches!(attribute, "expires_at" | "replayed_at")
}

/// What a job is about, as far as the team that started it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject<'a> {
    pub(crate) kind: &'a str,
    pub(crate) callback_id: Option<&'a str>,
    pub(crate) entity_id: Option<&'a str>,
    /// The field that holds the entity id in the kind's events.
    pub(crate) entity_field: Option<&'a str>,
    pub(crate) output_language: Option<&'a str>,
}

impl Subject<'_> {
    pub(crate) fn platform(&self) -> Platform {
        Platform::of_kind(self.kind)
    }

    /// The failure that would be reported of this job, whose place and key are those of all its events.
    pub(crate) fn failure(&self, failure: Option<(&str, &str)>) -> Verified {
        let entity_id = match (self.entity_id, self.callback_id) {
            (Some(id), _) => id.to_owned(),
            (None, callback_id) => format!("{NO_ENTITY}{}", callback_id.unwrap_or_default()),
        };
        match self.platform() {
            Platform::HeyGen => self.failed_delivery(entity_id, failure),
            _ => self.failed_look_up(entity_id, failure),
        }
    }

    fn failed_look_up(&self, entity_id: String, failure: Option<(&str, &str)>) -> Verified {
        let (code, message) = failure.unzip();
        // Of a job that has not failed, only the place and the key are asked for.
        let code = Some(code.unwrap_or("failed").to_owned());
        let failure = Some(Failure { code, message: message.map(str::to_owned) });
        let callback_id = self.callback_id.map(str::to_owned);
        LookUp { kind: self.kind.to_owned(), entity_id, callback_id, answer: None, failure }.to_verified()
    }

    #[expect(clippy::disallowed_methods, reason = "recovery's own text")]
    fn failed_delivery(&self, entity_id: String, failure: Option<(&str, &str)>) -> Verified {
        let mut data = Map::from_iter([(self.entity_field().to_owned(), json!(entity_id))]);
        let texts = [("callback_id", self.callback_id), ("output_language", self.output_language)];
        let reason = failure.map_or([("", None); 2], |(code, message)| {
            [("failure_code", Some(code)), ("failure_message", Some(message))]
        });
        for (name, value) in texts.into_iter().chain(reason) {
            data.extend(value.map(|value| (name.to_owned(), json!(value))));
        }
        let body = json!({"event_type": format!("{}.fail", self.kind), "event_data": Value::Object(data)});
        Verified::assume_authentic(body.to_string().into_bytes())
    }

    pub(crate) fn event(&self) -> Event {
        platforms::read(self.platform(), &self.failure(None))
    }

    /// The job that all its events report; `None` if `kind` is no name of a kind.
    pub(crate) fn job(&self) -> Option<Job> {
        self.event().job().filter(|job| job.kind == self.kind)
    }

    fn entity_field(&self) -> &str {
        // Without an entity there is nothing that it could share with another job.
        let given = self.entity_field.filter(|_| self.entity_id.is_some());
        given.unwrap_or_else(|| match EntityKind::of_job(self.kind) {
            Some(EntityKind::Video) => "video_id",
            Some(EntityKind::VideoTranslation) => "video_translate_id",
            Some(EntityKind::Lipsync) => "lipsync_id",
            Some(EntityKind::VideoAgent) => "session_id",
            Some(EntityKind::Proofread) => "proofread_id",
            Some(EntityKind::AiClipping) | None => "id",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: Subject<'_> = Subject {
        kind: "avatar_video",
        callback_id: Some("order_1"),
        entity_id: Some("v1"),
        entity_field: None,
        output_language: None,
    };

    fn event(body: &Value) -> Event {
        #[expect(clippy::disallowed_methods, reason = "no request is involved")]
        let verified = Verified::assume_authentic(body.to_string().into_bytes());
        heygen::read(&verified)
    }

    fn same_place(subject: &Subject<'_>, event_type: &str, data: Value) {
        let reported = event(&json!({"event_type": event_type, "event_data": data}));
        let tracked = subject.event();
        assert_eq!(tracked.place(), reported.place(), "{event_type}");
        assert_eq!(subject.job().unwrap().item_key(), reported.job().unwrap().item_key(), "{event_type}");
    }

    #[test]
    fn a_tracked_job_is_where_its_events_will_put_it() {
        same_place(&VIDEO, "avatar_video.success", json!({"video_id": "v1", "callback_id": "order_1", "url": "x"}));
        let gif = Subject { kind: "avatar_video_gif", ..VIDEO };
        same_place(&gif, "avatar_video_gif.success", json!({"video_id": "v1", "callback_id": "order_1"}));
        let translation = Subject { kind: "video_translate", output_language: Some("es"), ..VIDEO };
        let data = json!({"video_translate_id": "v1", "callback_id": "order_1", "output_language": "es"});
        same_place(&translation, "video_translate.success", data);
        let training = Subject { kind: "photo_avatar_train", entity_field: Some("group_id"), ..VIDEO };
        same_place(&training, "photo_avatar_train.fail", json!({"group_id": "v1", "callback_id": "order_1"}));
        let clipping = Subject { kind: "ai_clipping", ..VIDEO };
        same_place(&clipping, "ai_clipping.success", json!({"id": "v1", "callback_id": "order_1", "clips": []}));
    }

    #[test]
    fn a_job_whose_entity_is_not_known_yet_is_a_job_of_its_own() {
        let unknown = Subject { entity_id: None, ..VIDEO };
        let (job, place) = (unknown.job().unwrap(), unknown.event().place());
        assert_eq!(job.entity_id, "callback_id:order_1");
        assert_eq!(place.partition.as_str(), "callback_id:order_1");
        assert_eq!(place.pointer_from.unwrap().as_str(), "order_1");
        let training = Subject { kind: "photo_avatar_train", entity_field: Some("group_id"), ..unknown };
        assert_eq!(training.event().place().partition.as_str(), "callback_id:order_1");
    }

    #[test]
    fn what_is_no_kind_has_no_job() {
        for kind in ["", "avatar#video", "x y", "avatar_video.fail.fail "] {
            assert_eq!(Subject { kind, ..VIDEO }.job(), None, "{kind:?}");
        }
    }

    #[test]
    fn a_failure_says_why() {
        for kind in ["avatar_video", "tavus.video", "did.talk", "synthesia.video"] {
            let subject = Subject { kind, ..VIDEO };
            let failed = subject.failure(Some(("unknown_job", "nobody knows it")));
            let failure = platforms::read(subject.platform(), &failed).job().unwrap().failure.unwrap();
            let texts = (failure.code.as_deref(), failure.message.as_deref());
            assert_eq!(texts, (Some("unknown_job"), Some("nobody knows it")), "{kind}");
        }
    }
}
