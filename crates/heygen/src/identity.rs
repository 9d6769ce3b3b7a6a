//! By what a repeated delivery of HeyGen's is recognised.

use webhook::{Identity, Platform};

use crate::entity_id::EntityId;
use crate::{EventType, Outcome};

/// What the identity is derived from. All of it is part of the body.
pub(crate) struct Evidence<'a> {
    pub(crate) event_id: Option<&'a str>,
    pub(crate) event_type: Option<&'a EventType>,
    pub(crate) entity: Option<&'a EntityId>,
    pub(crate) output_language: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

/// The event's own id, else its type and entity, else its content.
///
/// The second lets a retry be written with other fields and still be the same event. It holds for
/// types that end a job on an entity that is made once. An event of unknown outcome, or about an
/// entity that can be worked on again, may be one of several: of these only the same content is
/// the same event. Content is compared in its canonical form, or byte by byte where there is none.
pub(crate) fn decide(evidence: &Evidence<'_>) -> Identity {
    if let Some(event_id) = evidence.event_id {
        return Identity::of("heygen event id", &[event_id.as_bytes()]);
    }
    if let Some(event_type) = evidence.event_type
        && event_type.outcome() != Outcome::Unknown
        && let Some(entity) = evidence.entity.filter(|entity| !entity.is_reused)
    {
        let mut parts = vec![event_type.as_str().as_bytes(), entity.id.as_bytes()];
        parts.extend(evidence.output_language.map(str::as_bytes));
        return Identity::of("heygen entity", &parts);
    }
    Identity::of_content(Platform::HeyGen, evidence.body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "no request is involved")]

    use super::*;
    use crate::Verified;

    fn identity(body: &str) -> Identity {
        crate::read(&Verified::assume_authentic(body.into())).identity
    }

    #[test]
    fn the_same_report_in_other_bytes_is_the_same_event() {
        let sent = identity(
            r#"{"event_type":"avatar_video.success","event_data":{"video_id":"v1","url":"https://x.invalid/1?sig=a"}}"#,
        );
        let again = identity(
            r#"{ "event_data": {"url": "https://x.invalid/1?sig=b", "video_id": "v1", "new": 1},
                 "event_type": "avatar_video.success" }"#,
        );
        assert_eq!(sent, again);
    }

    #[test]
    fn different_events_have_different_identities() {
        let bodies = [
            r#"{"event_type":"video_translate.success","event_data":{"id":"t1","output_language":"es"}}"#,
            r#"{"event_type":"video_translate.success","event_data":{"id":"t1","output_language":"fr"}}"#,
            r#"{"event_type":"video_translate.success","event_data":{"id":"t1"}}"#,
            r#"{"event_type":"video_translate.success","event_data":{"id":"t2"}}"#,
            r#"{"event_type":"video_translate.fail","event_data":{"id":"t1"}}"#,
            r#"{"event_type":"video_translate.fail","event_id":"t1","event_data":{"id":"t1"}}"#,
            r#"{"event_type":"video_translate.fail","event_id":"t2","event_data":{"id":"t1"}}"#,
            r#"{"event_type":"video_translate.fail"}"#,
            r#"{"event_type":"video_translate.fail","x":1}"#,
            "",
            " ",
        ];
        let identities = bodies.map(identity);
        for (index, one) in identities.iter().enumerate() {
            assert!(!identities[index + 1..].contains(one), "{}", bodies[index]);
        }
    }

    #[test]
    fn an_event_id_alone_determines_the_identity() {
        assert_eq!(
            identity(r#"{"event_id":"e1","event_type":"avatar_video.fail","event_data":{"id":"1"}}"#),
            identity(r#"{"event_id":"e1"}"#)
        );
    }

    #[test]
    fn two_reports_of_an_unknown_type_on_one_entity_are_two_events() {
        assert_ne!(
            identity(r#"{"event_type":"avatar_video.progress","event_data":{"id":"1","percent":10}}"#),
            identity(r#"{"event_type":"avatar_video.progress","event_data":{"id":"1","percent":90}}"#)
        );
    }

    #[test]
    fn what_is_identified_by_its_content_may_come_in_other_bytes() {
        for (event_type, id) in [("avatar_video.progress", "video_id"), ("photo_avatar_train.success", "group_id")] {
            let sent = format!(
                r#"{{"event_type":"{event_type}","event_data":{{"{id}":"1","url":"https://x.invalid/a?s=1"}}}}"#
            );
            let again = format!(
                r#"{{ "event_data": {{"url": "https://x.invalid/a?s=2", "{id}": "1"}}, "event_type": "{event_type}" }}"#
            );
            assert_eq!(identity(&sent), identity(&again), "{event_type}");
        }
    }

    #[test]
    fn two_jobs_on_an_entity_that_is_used_again_are_two_events() {
        for (event_type, id) in [
            ("photo_avatar_train.fail", "group_id"),
            ("instant_avatar.success", "avatar_id"),
            ("x.success", "project_id"),
        ] {
            let of = |order: &str| {
                identity(&format!(
                    r#"{{"event_type":"{event_type}","event_data":{{"{id}":"1","callback_id":"{order}"}}}}"#
                ))
            };
            assert_ne!(of("a"), of("b"), "{event_type}");
        }
    }

    #[test]
    fn an_unknown_type_of_the_known_pattern_is_identified_by_its_entity() {
        assert_eq!(
            identity(r#"{"event_type":"hologram.success","event_data":{"id":"1","size":10}}"#),
            identity(r#"{"event_type":"hologram.success","event_data":{"id":"1","size":90}}"#)
        );
    }

    /// Identities are stored for months: if they were computed differently, old events would be
    /// recorded again. The digests were computed without this code.
    #[test]
    fn identities_never_change() {
        for (body, expected) in [
            (r#"{"event_id":"e1"}"#, "cf7c1736eb9077e71ee261930adecd6a7b811fac8069dc9436a9a40874f0d9c5"),
            (
                r#"{"event_type":"video_translate.success","event_data":{"id":"t1","output_language":"es"}}"#,
                "7a2586f05bced736d93c9ea861360dbcd43c8245225a85d4cf42381d5a3a803c",
            ),
            (r#"not json"#, "f857b0a60b8926ece3a7d586662490a6c2bf13ac84e02000bd70fc1b579216f9"),
        ] {
            assert_eq!(identity(body).as_str(), expected, "{body}");
        }
    }
}
