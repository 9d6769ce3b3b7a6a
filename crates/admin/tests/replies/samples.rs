//! The reply that is the sample of each action.

use crate::parts::{URL, change, create, delete, job, listed, not_verified, plan, rotate, verified};
use admin::jobs::{JobsReply, RecordedEvent, RecordedFailure, RecordedJob};
use admin::reply::{
    ChangeReply, DeliveriesReply, EndpointState, EventTypesReply, ListReply, ListedEvent, ListedEventType, PlanReply,
    RotateReply, SecretState, SyncReply, VerifyReply,
};
use admin::{ChangeKind, DeleteReason, Reply, RotateReason, SecretSource};
use time::macros::datetime;
use webhook::Status;

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
pub fn sample(action: &str) -> Reply {
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
