//! What an answer means for a callback. Pure.

use crate::confirm::subject::Subject;
use heygen::api::Entity;
use platforms::look_up::echoed;
use serde_json::Value;
use serde_json::value::RawValue;
use webhook::callback::Callback;
use webhook::{LookUp, Status, Verified};

#[derive(Debug)]
pub(crate) enum Verdict {
    /// The platform does not know the job.
    Unknown,
    /// The answer is about another order.
    OtherOrder,
    /// The job has not ended, or the answer does not say so in a way that this version knows.
    Running,
    /// The event that the answer is.
    Ended(Verified),
}

/// Of the answer of a platform other than HeyGen. Nothing is taken from the callback but whose order it is; and where the
/// answer says that itself, the two have to agree.
pub(crate) fn verdict(callback: &Callback, kind: &str, subject: &Subject, answer: Box<RawValue>) -> Verdict {
    let (platform, correlation) = (callback.platform, &callback.correlation);
    let entity_id = subject.entity_id.clone();
    let look_up = LookUp { kind: kind.to_owned(), entity_id, callback_id: None, answer: Some(answer), failure: None };
    let named = match look_up.value() {
        // Not in the characters that `serde_json` reads: as an event would have it.
        Value::Null => platforms::read(platform, &look_up.to_verified()).callback_id,
        value => echoed(platform, &callback.kind, &value),
    };
    if !is_of_order(named.as_deref(), correlation, subject) {
        return Verdict::OtherOrder;
    }
    let body = LookUp { callback_id: Some(correlation.clone()), ..look_up }.to_verified();
    match platforms::read(platform, &body).job().map(|job| job.status) {
        Some(Status::Succeeded | Status::Failed) => Verdict::Ended(body),
        Some(Status::Pending) | None => Verdict::Running,
    }
}

/// The same for HeyGen, which repeats the `callback_id` of most kinds, but not of a video in v3.
pub(crate) fn heygen_verdict(callback: &Callback, subject: &Subject, entity: Entity) -> Verdict {
    if !is_of_order(entity.callback_id.as_deref(), &callback.correlation, subject) {
        return Verdict::OtherOrder;
    }
    let body = entity.with_callback_id(callback.correlation.clone()).to_verified(&callback.kind);
    body.map_or(Verdict::Running, Verdict::Ended)
}

fn is_of_order(named: Option<&str>, correlation: &str, subject: &Subject) -> bool {
    named.map_or(!subject.must_name_order, |named| named == correlation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use webhook::Platform;

    fn says(kind: &str, answer: &str, must_name_order: bool) -> &'static str {
        let text = |text: &str| text.to_owned();
        let callback = Callback {
            platform: Platform::Tavus,
            endpoint: text("main"),
            kind: text(kind),
            correlation: text("order"),
        };
        let subject = Subject { entity_id: text("v1"), must_name_order };
        match verdict(&callback, &format!("tavus.{kind}"), &subject, serde_json::from_str(answer).unwrap()) {
            Verdict::Unknown => "unknown",
            Verdict::OtherOrder => "other order",
            Verdict::Running => "running",
            Verdict::Ended(body) => {
                let event = platforms::read(Platform::Tavus, &body);
                assert_eq!((event.callback_id.as_deref(), event.entity_id.as_deref()), (Some("order"), Some("v1")));
                event.status.unwrap().as_str()
            }
        }
    }

    #[test]
    fn an_answer_of_another_order_is_never_this_ones() {
        for (kind, answer, expected) in [
            ("video", r#"{"status": "ready", "video_name": "order"}"#, "succeeded"),
            ("video", r#"{"status": "ready", "video_name": "another"}"#, "other order"),
            ("video", r#"{"status": "queued", "video_name": "another"}"#, "other order"),
            ("video", r#"{"status": "ready", "video_name": "\ud83d"}"#, "other order"),
            ("video", r#"{"status": "ready"}"#, "succeeded"),
            ("video", r#"{"status": "error", "x": "\ud83d"}"#, "failed"),
            ("replica", r#"{"status": "completed", "video_name": "another"}"#, "succeeded"),
        ] {
            assert_eq!(says(kind, answer, false), expected, "{kind} {answer}");
        }
        assert_eq!(says("video", r#"{"status": "ready", "video_name": "order"}"#, true), "succeeded");
        assert_eq!(says("video", r#"{"status": "ready"}"#, true), "other order");
        assert_eq!(says("replica", r#"{"status": "completed"}"#, true), "other order");
    }

    #[test]
    fn an_answer_of_another_shape_ends_nothing() {
        for answer in [
            "null",
            "[]",
            "7",
            r#""ready""#,
            "{}",
            r#"[{"status": "ready"}]"#,
            r#"{"status": ["ready"]}"#,
            r#"{"status": null}"#,
            r#"{"status": "Ready!"}"#,
            r#"{"error": "no such video"}"#,
            r#"{"data": {"status": "ready"}}"#,
            r#"{"status": "queued", "download_url": "https://x.invalid"}"#,
        ] {
            assert_eq!(says("video", answer, false), "running", "{answer}");
        }
    }
}
