//! The client of HeyGen's management API against the simulated HeyGen: they were written separately from the same
//! documents, and have to agree.

#![allow(clippy::unwrap_used, clippy::panic)]

use heygen::HeaderNames;
use heygen::api::{
    Api, ApiConfig, ApiVersion, Credential, EndpointPatch, EntityKind, EventFilter, IdempotencyKey, Kind, NewEndpoint,
    Progress, RetryPolicy, Timeouts,
};
use simulator::{Existing, Fault, JobKind, JobOutcome, Options, Receiver, RetryAfter, Simulator, When};
use std::time::Duration;
use tokio::runtime::Runtime;
use webhook::Unverified;

const URL: &str = "https://hooks.example.invalid/webhooks/heygen/main";

struct HeyGen {
    simulator: Simulator,
    runtime: Runtime,
}

impl HeyGen {
    fn new(endpoints: Vec<Existing>) -> Self {
        let options = Options { endpoints, check_urls: false, job_duration: Duration::ZERO, ..Options::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        HeyGen { simulator: Simulator::start(options).unwrap(), runtime }
    }

    fn api(&self, version: ApiVersion) -> Api {
        let credential = Credential::ApiKey(self.simulator.api_key().to_owned());
        let mut config = ApiConfig::new(version, credential);
        config.base_url = self.simulator.url();
        config.timeouts = Timeouts { attempt: Duration::from_millis(500), ..config.timeouts };
        config.retry = RetryPolicy { base: Duration::from_millis(1), ..RetryPolicy::default() };
        Api::new(&config).unwrap()
    }

    fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }
}

fn new_endpoint() -> NewEndpoint {
    NewEndpoint { url: URL.to_owned(), events: Some(vec!["avatar_video.success".into()]), entity_id: None }
}

fn key() -> IdempotencyKey {
    IdempotencyKey::new("sync:main:1").unwrap()
}

#[test]
fn an_endpoints_life_in_v3() {
    let heygen = HeyGen::new(Vec::new());
    let api = heygen.api(ApiVersion::V3);
    let created = heygen.wait(api.create_endpoint(&new_endpoint(), Some(&key()))).unwrap();
    let listed = heygen.wait(api.endpoints().all()).unwrap();
    assert_eq!((listed.len(), &listed[0].id, &listed[0].secret), (1, &created.id, &None));

    let patch = EndpointPatch { url: None, events: Some(vec!["avatar_video.fail".into()]) };
    let updated = heygen.wait(api.update_endpoint(&created.id, &patch)).unwrap();
    assert_eq!(updated.events.unwrap(), ["avatar_video.fail"]);

    let rotated =
        heygen.wait(api.rotate_secret(&created.id, Some(&IdempotencyKey::new("rotate:main:1").unwrap()))).unwrap();
    assert_ne!(Some(&rotated), created.secret.as_ref());
    assert_eq!(heygen.simulator.endpoints()[0].secret, rotated);

    heygen.wait(api.delete_endpoint(&created.id)).unwrap();
    assert!(heygen.wait(api.endpoints().all()).unwrap().is_empty());
    assert_eq!(heygen.wait(api.update_endpoint(&created.id, &patch)).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn an_endpoints_life_in_v1() {
    let heygen = HeyGen::new(Vec::new());
    let api = heygen.api(ApiVersion::V1);
    let created = heygen.wait(api.create_endpoint(&new_endpoint(), None)).unwrap();
    let listed = heygen.wait(api.endpoints().all()).unwrap();
    assert_eq!(listed[0].secret, created.secret, "v1 shows secrets in its list");
    assert!(listed[0].secret.is_some());

    let patch = EndpointPatch { url: Some(URL.to_owned()), events: Some(vec!["avatar_video.fail".into()]) };
    assert_eq!(heygen.wait(api.update_endpoint(&created.id, &patch)).unwrap().events.unwrap(), ["avatar_video.fail"]);
    assert_eq!(heygen.wait(api.rotate_secret(&created.id, None)).unwrap_err().kind, Kind::Unsupported);
    heygen.wait(api.delete_endpoint(&created.id)).unwrap();
    assert_eq!(heygen.wait(api.delete_endpoint(&created.id)).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn many_endpoints_come_over_pages() {
    let heygen = HeyGen::new(Existing::foreign(250));
    let api = heygen.api(ApiVersion::V3);
    assert_eq!(heygen.wait(api.endpoints().all()).unwrap().len(), 250);
    assert_eq!(heygen.simulator.calls().len(), 3);
    assert_eq!(heygen.simulator.mutating_calls(), 0);
}

#[test]
fn a_create_whose_response_is_lost_makes_one_endpoint_and_shows_its_secret() {
    let heygen = HeyGen::new(Vec::new());
    let api = heygen.api(ApiVersion::V3);
    heygen.simulator.inject(When::Nth(1), Fault::DropResponse);
    let created = heygen.wait(api.create_endpoint(&new_endpoint(), Some(&key()))).unwrap();
    let endpoints = heygen.simulator.endpoints();
    assert_eq!((endpoints.len(), Some(&endpoints[0].secret)), (1, created.secret.as_ref()));
}

#[test]
fn without_a_key_a_lost_response_is_an_error_and_not_a_second_endpoint() {
    let heygen = HeyGen::new(Vec::new());
    let api = heygen.api(ApiVersion::V3);
    heygen.simulator.inject(When::Nth(1), Fault::DropResponse);
    assert_eq!(heygen.wait(api.create_endpoint(&new_endpoint(), None)).unwrap_err().kind, Kind::Connection);
    assert_eq!(heygen.simulator.endpoints().len(), 1);
}

#[test]
fn failures_have_their_kind() {
    for (fault, kind) in [
        (Fault::quota_exceeded(), Kind::QuotaExceeded),
        (Fault::ErrorIn200, Kind::Rejected),
        (Fault::Gateway(200), Kind::NotJson),
    ] {
        let heygen = HeyGen::new(Vec::new());
        let api = heygen.api(ApiVersion::V3);
        heygen.simulator.inject(When::Nth(1), fault.clone());
        let error = heygen.wait(api.create_endpoint(&new_endpoint(), None)).unwrap_err();
        assert_eq!(error.kind, kind, "{fault:?}: {error}");
    }
    // What may pass is tried again.
    for fault in
        [Fault::internal(), Fault::rate_limited(RetryAfter::Seconds(0)), Fault::Gateway(502), Fault::DropRequest]
    {
        let heygen = HeyGen::new(Vec::new());
        let api = heygen.api(ApiVersion::V3);
        heygen.simulator.inject(When::Nth(1), fault.clone());
        assert!(heygen.wait(api.create_endpoint(&new_endpoint(), Some(&key()))).is_ok(), "{fault:?}");
        assert_eq!(heygen.simulator.endpoints().len(), 1, "{fault:?}");
    }
}

#[test]
fn a_wrong_key_is_denied_in_both_versions() {
    let heygen = HeyGen::new(Vec::new());
    for version in [ApiVersion::V3, ApiVersion::V1] {
        let mut config = ApiConfig::new(version, Credential::Bearer("another-key".to_owned()));
        config.base_url = heygen.simulator.url();
        let api = Api::new(&config).unwrap();
        let error = heygen.wait(api.endpoints().all()).unwrap_err();
        assert_eq!(error.kind, Kind::Unauthorized, "{error}");
        assert!(!format!("{error} {error:?}").contains("another-key"));
    }
}

#[test]
fn delivered_events_and_jobs_can_be_requested() {
    let receiver = Receiver::start().unwrap();
    let heygen = HeyGen::new(vec![Existing::new(receiver.url())]);
    let api = heygen.api(ApiVersion::V3);
    heygen.simulator.emit("avatar_video.success", serde_json::json!({"video_id": "vid_1", "callback_id": "order_1"}));
    heygen.simulator.wait_until_delivered(Duration::from_secs(5)).unwrap();
    let events = heygen.wait(api.delivered_events(&EventFilter::default()).unwrap().all()).unwrap();
    assert_eq!((events.len(), events[0].event_type.as_str()), (1, "avatar_video.success"));
    assert_eq!(events[0].data["callback_id"], "order_1");

    let id = heygen.simulator.start_job(JobKind::Video, Some("order_2"), JobOutcome::Succeeds);
    heygen.simulator.wait_until_delivered(Duration::from_secs(5)).unwrap();
    assert_eq!(heygen.wait(api.entity(EntityKind::Video, &id)).unwrap().progress, Some(Progress::Completed));
    let states = heygen.wait(api.entity_states(EntityKind::Video, &[id.as_str(), "unknown"])).unwrap();
    assert_eq!(states.len(), 2);
    assert!(states.iter().any(|state| state.progress == Some(Progress::NotFound)));
}

/// What the simulated HeyGen lists of a job, and what it delivered, are one event of one job.
#[test]
fn the_lists_make_the_events_that_were_delivered() {
    let receiver = Receiver::start().unwrap();
    let heygen = HeyGen::new(vec![Existing::new(receiver.url())]);
    let api = heygen.api(ApiVersion::V3);
    let secret = heygen.simulator.endpoints()[0].secret.clone();
    let translation = JobKind::Translation("Spanish".to_owned());
    for kind in [JobKind::Video, translation, JobKind::Lipsync, JobKind::AiClipping(2), JobKind::VideoAgent] {
        for outcome in [JobOutcome::Succeeds, JobOutcome::Fails("why".to_owned())] {
            let id = heygen.simulator.start_job(kind.clone(), Some("order_1"), outcome);
            heygen.simulator.wait_until_delivered(Duration::from_secs(5)).unwrap();
            let request = receiver.deliveries().pop().unwrap();
            let signature = request.header("signature").unwrap().to_owned();
            let signatures = HeaderNames::default().signatures([("signature", signature)]).unwrap();
            let verified = Unverified::new(request.body).verify(&signatures, &[&secret]).unwrap();
            let delivered = heygen::read(&verified);

            let of_kind = EntityKind::of_job(kind.name()).unwrap();
            let mut said = vec![heygen.wait(api.entity(of_kind, &id)).unwrap()];
            if of_kind.is_listed() {
                let listed = heygen.wait(api.entities(of_kind).unwrap().all()).unwrap();
                said.extend(listed.into_iter().filter(|entity| entity.id == id));
                assert_eq!(said.len(), 2, "{kind:?}");
            }
            for entity in said {
                assert!(!entity.is_translation());
                let made = heygen::read(&entity.to_verified(of_kind.job_kind()).unwrap());
                assert_eq!((&made.identity, &made.event_type), (&delivered.identity, &delivered.event_type));
                assert_eq!(made.place().partition, delivered.place().partition);
                let (made, delivered) = (made.job().unwrap(), delivered.job().unwrap());
                assert_eq!((made.item_key(), made.status), (delivered.item_key(), delivered.status));
                // HeyGen documents no reason in what it says of a session.
                let says_why = delivered.failure.is_some() && of_kind != EntityKind::VideoAgent;
                assert_eq!(made.failure.is_some(), says_why);
            }
        }
    }
}
