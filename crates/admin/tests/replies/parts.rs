//! What replies consist of.

use admin::jobs::RecordedJob;
use admin::platforms::report::{self, PlatformReport};
use admin::reply::{EndpointState, ListedEndpoint, SecretState};
use admin::{Answer, Change, ChangeKind, DeleteReason, Plan, RotateReason, Verification};
use webhook::{Platform, Status};

pub const URL: &str = "https://abc.execute-api.example.invalid";

pub fn change(kind: ChangeKind) -> Change {
    Change { endpoint: "main".to_owned(), kind }
}

pub fn delete(reason: DeleteReason) -> Change {
    change(ChangeKind::Delete { endpoint_id: "ep_1".to_owned(), reason })
}

pub fn rotate(reason: RotateReason) -> Change {
    change(ChangeKind::Rotate { endpoint_id: "ep_1".to_owned(), reason })
}

pub fn create() -> Change {
    let url = format!("{URL}/webhooks/heygen/main");
    change(ChangeKind::Create { url, events: None, entity_id: None })
}

pub fn plan(changes: Vec<Change>, unchanged: &[&str]) -> Plan {
    Plan {
        checksum: "4f53cda18c2baa0c".to_owned(),
        changes,
        notes: vec!["main: hologram.success is not an event type that this version knows; HeyGen may reject it".into()],
        unchanged: unchanged.iter().map(|name| (*name).to_owned()).collect(),
        unreadable: Vec::new(),
        owned: 1,
        foreign: 3,
    }
}

pub fn listed(endpoint: Option<&str>, state: EndpointState, secret: Option<SecretState>) -> ListedEndpoint {
    ListedEndpoint {
        endpoint: endpoint.map(str::to_owned),
        endpoint_id: "ep_1".to_owned(),
        url: endpoint.map_or("other.example.invalid".to_owned(), |name| format!("{URL}/webhooks/heygen/{name}")),
        status: Some("enabled".to_owned()),
        state,
        events: Some(vec!["avatar_video.success".to_owned()]),
        created_at: Some("2026-11-21T00:00:00Z".to_owned()),
        drift: None,
        secret_since: secret.map(|_| "2026-11-21T02:00:00.000Z".to_owned()),
        verified_at: secret.map(|_| "2026-11-21T03:00:00.000Z".to_owned()),
        problem: None,
        secret,
    }
}

pub fn verified() -> Verification {
    Verification {
        endpoint: "main".to_owned(),
        url: format!("{URL}/webhooks/heygen/main"),
        options: Some(Answer { status: 204, milliseconds: 41 }),
        post: Some(Answer { status: 200, milliseconds: 68 }),
        recorded_after_ms: Some(412),
        problem: None,
    }
}

pub fn not_verified() -> Verification {
    Verification {
        endpoint: "second".to_owned(),
        url: format!("{URL}/webhooks/heygen/second"),
        post: Some(Answer { status: 401, milliseconds: 52 }),
        recorded_after_ms: None,
        problem: Some("POST: status 401, signature_mismatch".to_owned()),
        ..verified()
    }
}

/// An endpoint of another platform, with these changes.
pub fn platform(platform: Platform, done: Vec<report::Change>, left: Vec<report::Change>) -> PlatformReport {
    PlatformReport {
        endpoint: format!("{platform}/main"),
        platform,
        url: Some(format!("{URL}/webhooks/{platform}/main")),
        webhook_id: Some("wh_1".to_owned()),
        secret: true,
        secret_since: Some("2026-11-21T02:00:00.000Z".to_owned()),
        pending: false,
        done,
        left,
        notes: vec!["warning: wh_1 is disabled, so nothing is delivered. A sync enables it".to_owned()],
        problem: Some("no Synthesia API key".to_owned()),
    }
}

pub fn job(kind: &str, entity_id: &str, status: Status) -> RecordedJob {
    let event = if status == Status::Failed { "fail" } else { "success" };
    RecordedJob {
        id: entity_id.to_owned(),
        item: format!("job#{kind}#{entity_id}"),
        kind: kind.to_owned(),
        entity_id: entity_id.to_owned(),
        callback_id: Some("order_12345".to_owned()),
        output_language: None,
        status: Some(status),
        links: [].into(),
        links_expire_at: None,
        result_omitted: false,
        failure: None,
        reason: (status == Status::Failed).then(|| "will_not_pass".to_owned()),
        event_type: format!("{kind}.{event}"),
        identity: "0cc175b9c0f1b6a831c399e269772661".to_owned(),
        endpoint: "main".to_owned(),
        received_at: "2026-11-21T03:40:00.000Z".to_owned(),
        updated_at: "2026-11-21T03:40:01.000Z".to_owned(),
    }
}
