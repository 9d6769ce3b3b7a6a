//! Replies with all the values that the samples lack.

use crate::parts::{URL, change, delete, job, listed, not_verified, plan, platform, rotate};
use admin::jobs::{JobsReply, RecordedJob};
use admin::platforms::report::{self, ChangeKind as ChangeOfPlatform, PlatformReport, Reason};
use admin::reply::{
    CustomResourceReply, EndpointState, ListReply, ListedEndpoint, PlanReply, PlatformRotateReply, SecretState,
    SyncReply,
};
use admin::{ChangeKind, DeleteReason, PendingKind, Plan, ReplaceReason, Reply, RotateReason, SecretSource};
use time::macros::datetime;
use webhook::{Platform, Status};

/// Endpoints of all platforms, with all changes and reasons.
fn platforms() -> Vec<PlatformReport> {
    let changes: Vec<_> = platform_changes().map(report::Change::new).into_iter().collect();
    let reasons = reasons().map(|reason| report::Change::of(report::ChangeKind::Delete, "wh_1", reason));
    Platform::ALL.map(|of| platform(of, changes.clone(), reasons.to_vec())).into_iter().collect()
}

/// Replies with all the values that the samples lack.
pub fn more_replies() -> Vec<Reply> {
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
