//! What a platform's API answered when it was asked for one job, as the body of an event.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::digest::digest;
use crate::{Event, Failure, Identity, Platform, Status, Verified};

/// An answer, with what it does not say itself: which kind of job was asked for, and whose order that is.
///
/// As a body it is `{"look_up": {"kind": …, "entity_id": …, "callback_id": …}, "answer": …}`, with the answer as it came;
/// or with `"failure": {"code": …, "message": …}` in its place, for a job that the platform does not know.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// The kind of the job, with its platform: `tavus.video`.
    pub kind: String,
    /// The id that was asked for.
    pub entity_id: String,
    /// The `callback_id` that the job was tracked with, or that its callback's token names.
    pub callback_id: Option<String>,
    /// The answer; `None` with a failure of our own.
    pub answer: Option<Box<RawValue>>,
    /// Why the job counts as failed, though the platform did not say so.
    pub failure: Option<Failure>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    look_up: About,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Texts>,
}

#[derive(Serialize, Deserialize)]
struct About {
    kind: String,
    entity_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    callback_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Texts {
    code: Option<String>,
    message: Option<String>,
}

impl LookUp {
    /// The body of the event. The answer has to be the platform's own, over TLS, to a request that carried our key.
    #[expect(clippy::disallowed_methods, reason = "the answer is the platform's own, over TLS")]
    pub fn to_verified(&self) -> Verified {
        let Self { kind, entity_id, callback_id, answer, failure } = self.clone();
        let failure = failure.map(|Failure { code, message }| Texts { code, message });
        let body = Body { look_up: About { kind, entity_id, callback_id }, answer, failure };
        // Texts and JSON that was parsed before: there is nothing that could fail.
        Verified::assume_authentic(serde_json::to_vec(&body).unwrap_or_default())
    }

    /// `None` if the body is a delivery.
    pub fn read(body: &Verified) -> Option<Self> {
        let Body { look_up: About { kind, entity_id, callback_id }, answer, failure } =
            serde_json::from_slice(body.body()).ok()?;
        let failure = failure.and_then(|Texts { code, message }| Failure::of(code, message));
        Some(Self { kind, entity_id, callback_id, answer, failure })
    }

    /// The answer as a value; null if there is none.
    pub fn value(&self) -> Value {
        self.answer.as_ref().and_then(|answer| serde_json::from_str(answer.get()).ok()).unwrap_or_default()
    }

    /// An event about the job that was asked for. Its identity is that of the kind, the entity and `state`, the platform's
    /// word for where the job is: so an answer that says the same again is the same event. Of a job that counts as failed
    /// though the platform did not say so, the event says that.
    pub fn event(&self, platform: Platform, body: &Verified, state: &str, status: Option<Status>) -> Event {
        let (state, status) = match &self.failure {
            Some(failure) => (failure.code.as_deref().unwrap_or("failed"), Some(Status::Failed)),
            None => (state, status),
        };
        let domain = format!("{platform} look-up");
        let identity = Identity::of(&domain, &[self.kind.as_bytes(), self.entity_id.as_bytes(), state.as_bytes()]);
        Event {
            is_json: true,
            event_type: Some(format!("{}.{}", self.kind, plain(state))),
            is_known_type: status.is_some(),
            kind: Some(self.kind.clone()),
            status,
            callback_id: self.callback_id.clone(),
            entity_id: Some(self.entity_id.clone()),
            failure: self.failure.clone(),
            ..Event::new(platform, identity, body)
        }
    }
}

/// A state in the characters of a type's name; anything else as a digest.
fn plain(state: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    match !state.is_empty() && state.len() <= 64 && state.bytes().all(is_plain) {
        true => state.to_owned(),
        false => digest("state", &[state.as_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

    use super::*;

    fn look_up(answer: &str) -> LookUp {
        LookUp {
            kind: "tavus.video".to_owned(),
            entity_id: "v1".to_owned(),
            callback_id: Some("order".to_owned()),
            answer: Some(serde_json::from_str(answer).unwrap()),
            failure: None,
        }
    }

    #[test]
    fn an_answer_is_kept_as_it_came() {
        let answer = r#"{"b": 1.0,  "a": 9007199254740993, "b": "\ud83d"}"#;
        let body = look_up(answer).to_verified();
        let read = LookUp::read(&body).unwrap();
        assert_eq!(read.answer.unwrap().get(), answer);
        assert_eq!((read.kind.as_str(), read.entity_id.as_str()), ("tavus.video", "v1"));
        assert_eq!(read.callback_id.as_deref(), Some("order"));
    }

    #[test]
    fn a_delivery_is_no_answer() {
        for body in [r#"{"type": "video.completed", "data": {}}"#, "[]", "", r#"{"look_up": {"kind": "x"}}"#] {
            assert!(LookUp::read(&Verified::assume_authentic(body.into())).is_none(), "{body}");
        }
    }

    #[test]
    fn the_same_state_is_the_same_event_whatever_else_the_answer_says() {
        let event = |answer: &str, state: &str| {
            let look_up = look_up(answer);
            look_up.event(Platform::Tavus, &look_up.to_verified(), state, Some(Status::Succeeded))
        };
        assert_eq!(event("{}", "ready").identity, event(r#"{"x": 1}"#, "ready").identity);
        assert_ne!(event("{}", "ready").identity, event("{}", "error").identity);
        assert_eq!(event("{}", "ready").event_type.as_deref(), Some("tavus.video.ready"));
        assert!(!event("{}", "a#b").event_type.unwrap().contains('#'));
    }

    #[test]
    fn a_job_that_the_platform_does_not_know_has_failed() {
        let failure = Failure::of(Some("heygen_webhooks.unknown_job".to_owned()), Some("why".to_owned()));
        let look_up = LookUp { answer: None, failure, ..look_up("{}") };
        let body = look_up.to_verified();
        let event = LookUp::read(&body).unwrap().event(Platform::Tavus, &body, "", None);
        let job = event.job().unwrap();
        assert_eq!((job.status, job.failure.unwrap().message.as_deref()), (Status::Failed, Some("why")));
    }
}
