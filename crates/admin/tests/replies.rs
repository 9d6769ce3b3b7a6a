//! The replies, their schema `reply.schema.json`, and the samples in `events/admin/replies`.

#![allow(clippy::unwrap_used, clippy::panic)]

use admin::jobs::{JobsReply, RecordedEvent, RecordedFailure, RecordedJob};
use admin::platforms::report::{self, ChangeKind as ChangeOfPlatform, PlatformReport, Reason};
use admin::reply::{
    ChangeReply, CustomResourceReply, DeliveriesReply, EndpointState, EventTypesReply, ListReply, ListedEndpoint,
    ListedEvent, ListedEventType, PlanReply, PlatformRotateReply, RotateReply, SecretState, SyncReply, VerifyReply,
};
use admin::{
    Action, Answer, Change, ChangeKind, DeleteReason, PendingKind, Plan, ReplaceReason, Reply, RotateReason,
    SecretSource, Verification,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use time::macros::datetime;
use webhook::{Platform, Status};

const URL: &str = "https://abc.execute-api.example.invalid";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn change(kind: ChangeKind) -> Change {
    Change { endpoint: "main".to_owned(), kind }
}

fn delete(reason: DeleteReason) -> Change {
    change(ChangeKind::Delete { endpoint_id: "ep_1".to_owned(), reason })
}

fn rotate(reason: RotateReason) -> Change {
    change(ChangeKind::Rotate { endpoint_id: "ep_1".to_owned(), reason })
}

fn create() -> Change {
    let url = format!("{URL}/webhooks/heygen/main");
    change(ChangeKind::Create { url, events: None, entity_id: None })
}

fn plan(changes: Vec<Change>, unchanged: &[&str]) -> Plan {
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

fn listed(endpoint: Option<&str>, state: EndpointState, secret: Option<SecretState>) -> ListedEndpoint {
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

fn verified() -> Verification {
    Verification {
        endpoint: "main".to_owned(),
        url: format!("{URL}/webhooks/heygen/main"),
        options: Some(Answer { status: 204, milliseconds: 41 }),
        post: Some(Answer { status: 200, milliseconds: 68 }),
        recorded_after_ms: Some(412),
        problem: None,
    }
}

fn not_verified() -> Verification {
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
fn platform(platform: Platform, done: Vec<report::Change>, left: Vec<report::Change>) -> PlatformReport {
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

/// Endpoints of all platforms, with all changes and reasons.
fn platforms() -> Vec<PlatformReport> {
    let changes: Vec<_> = platform_changes().map(report::Change::new).into_iter().collect();
    let reasons = reasons().map(|reason| report::Change::of(report::ChangeKind::Delete, "wh_1", reason));
    Platform::ALL.map(|of| platform(of, changes.clone(), reasons.to_vec())).into_iter().collect()
}

fn job(kind: &str, entity_id: &str, status: Status) -> RecordedJob {
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

fn jobs() -> JobsReply {
    let video = RecordedJob {
        links: [("video".to_owned(), "files.example.invalid/vid_12345.mp4".to_owned())].into(),
        links_expire_at: Some(datetime!(2026-11-28 03:40 UTC)),
        ..job("avatar_video", "vid_12345", Status::Succeeded)
    };
    let message = "The language is not supported.".to_owned();
    let translation = RecordedJob {
        item: "job#video_translate#tr_12345#language=Klingon".to_owned(),
        output_language: Some("Klingon".to_owned()),
        failure: Some(RecordedFailure { code: Some("bad_language".to_owned()), message: Some(message) }),
        ..job("video_translate", "tr_12345", Status::Failed)
    };
    let event = |job: &RecordedJob| RecordedEvent {
        identity: job.identity.clone(),
        event_type: Some(job.event_type.clone()),
        callback_id: job.callback_id.clone(),
        entity_id: Some(job.entity_id.clone()),
        job: Some(job.item.clone()),
        job_omitted: None,
        endpoint: job.endpoint.clone(),
        received_at: job.received_at.clone(),
    };
    let events = vec![event(&video), event(&translation)];
    JobsReply { jobs: vec![video, translation], events, omitted_jobs: 0, omitted_events: 0 }
}

/// The reply that is the sample of an action.
fn sample(action: &str) -> Reply {
    let url = URL.to_owned();
    match action {
        "plan" => Reply::Plan(PlanReply { url, plan: plan(vec![create()], &["second"]), platforms: Vec::new() }),
        "sync" => {
            let left = plan(vec![delete(DeleteReason::NotInFile)], &["second"]);
            Reply::Sync(SyncReply {
                url,
                done: vec![create()],
                held_back: Vec::new(),
                left,
                verified: vec![verified()],
                platforms: Vec::new(),
            })
        }
        "rotate" => Reply::Rotate(RotateReply {
            done: rotate(RotateReason::Requested),
            old_secret_valid_until: Some(datetime!(2026-11-23 12:00 UTC)),
            old_secret_rejected_from: None,
            verified: vec![verified()],
        }),
        "verify" => Reply::Verify(VerifyReply { verified: vec![verified(), not_verified()] }),
        "delete" => Reply::Delete(ChangeReply { done: delete(DeleteReason::Requested) }),
        "adopt" => {
            let kind = ChangeKind::Adopt { endpoint_id: "ep_1".to_owned(), secret: SecretSource::Rotation };
            Reply::Adopt(ChangeReply { done: change(kind) })
        }
        "list" => Reply::List(ListReply {
            url,
            endpoints: vec![
                listed(Some("main"), EndpointState::Registered, Some(SecretState::Stored)),
                listed(None, EndpointState::Foreign, None),
            ],
            missing: vec!["second".to_owned()],
            owned: 1,
            foreign: 1,
            unreadable: 0,
            platforms: Vec::new(),
        }),
        "event-types" => Reply::EventTypes(EventTypesReply {
            event_types: vec![ListedEventType {
                event_type: "hologram.success".to_owned(),
                description: Some("A hologram is ready".to_owned()),
            }],
            known: 1,
            new: vec!["hologram.success".to_owned()],
            removed: vec!["avatar_video.success".to_owned()],
            unreadable: 0,
        }),
        "deliveries" => Reply::Deliveries(DeliveriesReply {
            events: vec![ListedEvent {
                event_id: Some("evt_1".to_owned()),
                event_type: "avatar_video.success".to_owned(),
                created_at: Some("2026-11-21T00:00:00Z".to_owned()),
                correlation_id: "order_12345".to_owned(),
                identity: "0cc175b9c0f1b6a831c399e269772661".to_owned(),
            }],
            unreadable: 0,
            next_token: Some("100".to_owned()),
        }),
        "jobs" => Reply::Jobs(jobs()),
        other => panic!("add a sample reply of the action {other}"),
    }
}

/// Replies with all the values that the samples lack.
fn more_replies() -> Vec<Reply> {
    let since = datetime!(2026-11-21 00:00 UTC);
    let endpoint_id = "ep_1".to_owned();
    let events = Some(vec!["avatar_video.success".to_owned()]);
    let mut done = vec![
        change(ChangeKind::Restore {}),
        change(ChangeKind::Update {
            endpoint_id: endpoint_id.clone(),
            url: None,
            added: vec!["avatar_video.fail".to_owned()],
            removed: None,
        }),
        change(ChangeKind::Replace {
            endpoint_id: endpoint_id.clone(),
            reasons: replace_reasons().to_vec(),
            events,
            entity_id: Some("brand_1".to_owned()),
        }),
    ];
    done.extend(pending_kinds().map(|pending| change(ChangeKind::Finish { pending, since, revoke: true })));
    done.extend(secret_sources().map(|secret| change(ChangeKind::Adopt { endpoint_id: endpoint_id.clone(), secret })));
    done.extend(rotate_reasons().map(rotate));
    done.extend(delete_reasons().map(delete));
    let held_back = vec![delete(DeleteReason::NotInFile)];
    let left = Plan { unreadable: vec!["second".to_owned()], ..plan(held_back.clone(), &[]) };
    let sync = Reply::Sync(SyncReply {
        url: URL.to_owned(),
        done,
        held_back,
        left,
        verified: vec![not_verified()],
        platforms: platforms(),
    });

    let names = ["adopt", "update", "replace", "rotate", "delete"];
    let drifted = names.map(|drift| ListedEndpoint {
        drift: Some(drift),
        ..listed(Some("main"), EndpointState::Registered, Some(SecretState::Pending))
    });
    let states = endpoint_states().map(|state| listed(Some("main"), state, Some(SecretState::Unknown)));
    let secrets = secret_states().map(|secret| listed(Some("main"), EndpointState::Registered, Some(secret)));
    let endpoints = drifted.into_iter().chain(states).chain(secrets).collect();
    let (url, missing) = (URL.to_owned(), Vec::new());
    let list =
        Reply::List(ListReply { url, endpoints, missing, owned: 1, foreign: 0, unreadable: 0, platforms: platforms() });
    let plan = Reply::Plan(PlanReply { url: URL.to_owned(), plan: plan(Vec::new(), &[]), platforms: platforms() });
    let rotated = Reply::RotatePlatform(PlatformRotateReply {
        report: platforms().remove(1),
        old_secret_valid_until: Some(since),
        old_secret_rejected_from: Some(since),
    });

    let custom_resource = |request_type: &str| {
        Reply::CustomResource(CustomResourceReply { request_type: request_type.to_owned(), succeeded: true })
    };
    let statuses = statuses().map(|status| job("avatar_video", "vid_12345", status));
    let own = RecordedJob { status: None, ..job("avatar_video", "vid_12345", Status::Pending) };
    let jobs = JobsReply {
        jobs: statuses.into_iter().chain([own]).collect(),
        events: Vec::new(),
        omitted_jobs: 1,
        omitted_events: 2,
    };
    ["Create", "Update", "Delete"]
        .map(custom_resource)
        .into_iter()
        .chain([sync, list, plan, rotated, Reply::Jobs(jobs)])
        .collect()
}

/// All values of an enum; a new one does not compile until it is added here, and then the schema lacks it.
macro_rules! every {
    ($($function:ident: $kind:ident { $($variant:ident),* })*) => {$(
        fn $function() -> [$kind; [$($kind::$variant),*].len()] {
            let all = [$($kind::$variant),*];
            for value in all {
                match value { $($kind::$variant => {})* }
            }
            all
        }
    )*};
}

every! {
    pending_kinds: PendingKind { Create, Rotate }
    secret_sources: SecretSource { List, Store, Rotation }
    replace_reasons: ReplaceReason { Disabled, AllEvents, EntityScope, SecretInV1, Revoked, SecretAge }
    rotate_reasons: RotateReason { SecretUnknown, Requested, Revoked, Age }
    delete_reasons: DeleteReason { NotInFile, NotEnabled, Duplicate, Replaced, Requested, Deregistered }
    endpoint_states: EndpointState { Registered, Duplicate, NotConfigured, Unknown, Foreign }
    statuses: Status { Pending, Failed, Succeeded }
    platform_changes: ChangeOfPlatform { Restore, Finish, Adopt, Create, Update, Delete, CreateSecret, RotateSecret }
    reasons: Reason {
        New, Gone, UrlChanged, SecretUnknown, AnswerLost, EventsChanged, SettingsChanged, Disabled, Requested, Revoked,
        Replaced, Duplicate, NotEnabled
    }
    secret_states: SecretState { Stored, Pending, Missing, Unknown }
}

/// Collects the branches, fields and values of the schema that a reply uses.
struct Usage<'a> {
    schema: &'a Value,
    used: BTreeSet<String>,
}

impl Usage<'_> {
    fn visit(&mut self, pointer: &str, instance: &Value) {
        let node = self.schema.pointer(pointer).unwrap().clone();
        if let Some(target) = node["$ref"].as_str() {
            return self.visit(&target[1..], instance);
        }
        for (index, branch) in node["oneOf"].as_array().into_iter().flatten().enumerate() {
            let fields = branch["properties"].as_object().unwrap();
            if fields.iter().all(|(name, field)| field.get("const").is_none_or(|tag| *tag == instance[name])) {
                self.visit(&format!("{pointer}/oneOf/{index}"), instance);
            }
        }
        for name in node["properties"].as_object().into_iter().flat_map(|fields| fields.keys()) {
            if let Some(value) = instance.get(name) {
                let field = format!("{pointer}/properties/{name}");
                self.visit(&field, value);
                self.used.insert(field);
            }
        }
        let items = instance.as_array().filter(|_| node.get("items").is_some());
        for item in items.into_iter().flatten() {
            self.visit(&format!("{pointer}/items"), item);
        }
        if node.get("enum").is_some() {
            self.used.insert(format!("{pointer}/enum/{instance}"));
        }
    }
}

/// All fields and values of a schema, as pointers.
fn everything_in(pointer: &str, node: &Value, all: &mut BTreeSet<String>) {
    for value in node["enum"].as_array().into_iter().flatten() {
        all.insert(format!("{pointer}/enum/{value}"));
    }
    for (name, field) in node["properties"].as_object().into_iter().flatten() {
        all.insert(format!("{pointer}/properties/{name}"));
        everything_in(&format!("{pointer}/properties/{name}"), field, all);
    }
    for (index, branch) in node["oneOf"].as_array().into_iter().flatten().enumerate() {
        everything_in(&format!("{pointer}/oneOf/{index}"), branch, all);
    }
    for (name, definition) in node["$defs"].as_object().into_iter().flatten() {
        everything_in(&format!("{pointer}/$defs/{name}"), definition, all);
    }
    if let Some(items) = node.get("items") {
        everything_in(&format!("{pointer}/items"), items, all);
    }
}

#[test]
fn the_schema_has_every_field_and_value_of_the_replies_and_no_other() {
    let schema = read(&file("reply.schema.json"));
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut usage = Usage { schema: &schema, used: BTreeSet::new() };
    for reply in Action::NAMES.into_iter().map(sample).chain(more_replies()) {
        let json = reply.to_json();
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "reply.schema.json does not allow this reply: {json}\n{}", errors.join("\n"));
        usage.visit("", &json);
    }
    let mut all = BTreeSet::new();
    everything_in("", &schema, &mut all);
    let unused: Vec<_> = all.difference(&usage.used).collect();
    assert!(unused.is_empty(), "reply.schema.json has what no reply has: {unused:#?}");
}

#[test]
fn the_endpoints_of_other_platforms_come_after_heygens_with_their_changes_warnings_and_problems() {
    let changes = vec![report::Change::of(report::ChangeKind::Create, "wh_1", Reason::New)];
    let left = vec![report::Change::of(report::ChangeKind::Delete, "wh_2", Reason::Duplicate)];
    let platforms = vec![platform(Platform::Synthesia, changes, left)];
    let plan = Plan { notes: Vec::new(), ..plan(Vec::new(), &[]) };
    let reply = Reply::Plan(PlanReply { url: URL.to_owned(), plan, platforms });
    insta::assert_snapshot!(reply, @r#"
    Endpoints of https://abc.execute-api.example.invalid at HeyGen
      · 3 endpoints are not ours, left alone
    Nothing to do. Checksum 4f53cda18c2baa0c.
    Endpoints of other platforms
      synthesia/main  wh_1, secret stored
          https://abc.execute-api.example.invalid/webhooks/synthesia/main
        ✓ create wh_1: it is not registered
        ~ delete wh_2: another webhook has the same URL (with "prune": true)
        warning: wh_1 is disabled, so nothing is delivered. A sync enables it
        ✗ no Synthesia API key
    "#);
}

#[test]
fn a_reply_says_until_or_from_when_the_old_secret_is_accepted_or_rejected() {
    let time = Some(datetime!(2026-11-21 12:01 UTC));
    let revoked = RotateReply {
        verified: Vec::new(),
        done: rotate(RotateReason::Revoked),
        old_secret_valid_until: None,
        old_secret_rejected_from: time,
    };
    insta::assert_snapshot!(revoked, @"main: it has a new secret. Earlier secrets are revoked: a receiver that gets a delivery with the new one rejects them at once, every other receiver from 2026-11-21T12:01:00.000Z on.");
    let since = datetime!(2026-11-21 00:00 UTC);
    let finished = change(ChangeKind::Finish { pending: PendingKind::Rotate, since, revoke: true });
    insta::assert_snapshot!(finished, @"main  finish  the rotation started at 2026-11-21T00:00:00.000Z, and revokes earlier secrets");
}

/// With UPDATE_SAMPLES=1 it writes the samples instead.
#[test]
fn every_action_has_a_sample_reply() {
    let folder = file("../../events/admin/replies");
    let files: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let names: BTreeSet<_> = Action::NAMES.iter().map(|name| format!("{name}.json").into()).collect();
    let unexpected: Vec<_> = files.difference(&names).collect();
    assert!(unexpected.is_empty(), "events/admin/replies has {unexpected:?}, which are replies to no action");
    for name in Action::NAMES {
        let (path, reply) = (folder.join(format!("{name}.json")), sample(name).to_json());
        assert_eq!(reply["action"], name);
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            std::fs::write(&path, format!("{reply:#}\n")).unwrap();
        }
        assert_eq!(read(&path), reply, "{}: write it anew with UPDATE_SAMPLES=1", path.display());
    }
}
