//! Control by other processes.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{Access, Disturbance, Fault, JobKind, JobOutcome, Options, Progress, Receiver, Remote, When};

const FINISHED: &[u8] = b"{ \"event_type\": \"batch.finished\", \"event_data\": {} }";

#[test]
fn another_process_emits_an_event_and_sees_its_deliveries() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let remote = Remote::new(api.access());
    receiver.respond_next(500);
    let event_id = remote.emit(FINISHED, None).unwrap();
    let settled = remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(settled, api.deliveries());
    let [delivery] = &settled[..] else { panic!("one delivery") };
    assert_eq!((&delivery.event_id, delivery.event_type.as_str()), (&event_id, "batch.finished"));
    assert_eq!((&delivery.endpoint_id, delivery.progress), (&api.id(0), Progress::Delivered));
    let attempts: Vec<_> = delivery.attempts.iter().map(|attempt| (attempt.number, attempt.status)).collect();
    assert_eq!(attempts, [(1, Some(500)), (2, Some(204))]);
    assert!(receiver.deliveries().iter().all(|request| request.body == FINISHED));

    let large = vec![b' '; 5_000_000];
    remote.emit(&large, None).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries()[2].body.len(), large.len());
}

#[test]
fn another_process_disturbs_the_event_that_it_emits() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let remote = Remote::new(api.access());
    remote.emit(b"late", Some(Disturbance::AfterTheNext)).unwrap();
    assert!(remote.wait_until_settled(millis(20)).is_err(), "it is held back");
    remote.emit(b"twice", Some(Disturbance::Twice)).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    remote.emit(b"lost", Some(Disturbance::Lost)).unwrap();
    let settled = remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(settled.last().unwrap().progress, Progress::Lost);
    let came: Vec<_> = receiver.deliveries().into_iter().map(|request| request.body).collect();
    assert_eq!(came, [b"twice".as_slice(), b"twice", b"late"]);
}

#[test]
fn an_event_can_be_for_one_endpoint_only() {
    let (first, second) = (Receiver::start().unwrap(), Receiver::start().unwrap());
    let api = Api::with(&[&first, &second], Options::default());
    let remote = Remote::new(api.access());
    let endpoints = remote.endpoints().unwrap();
    assert_eq!(endpoints.iter().map(|one| one.url.as_str()).collect::<Vec<_>>(), [first.url(), second.url()]);
    remote.emit_to(&endpoints[1].endpoint_id, FINISHED).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!((first.deliveries().len(), second.deliveries().len()), (0, 1));
    assert!(remote.emit_to("no-such-endpoint", FINISHED).unwrap_err().to_string().contains("404"));
}

#[test]
fn another_process_starts_a_job_that_is_reported_when_it_ends() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let remote = Remote::new(api.access());
    let spanish = JobKind::Translation("Spanish".to_owned());
    let fails = JobOutcome::Fails("too long".to_owned());
    let id = remote.start_job(&spanish, Some("order_1"), &fails, millis(1)).unwrap();
    api.wait_until_delivered(TIMEOUT).unwrap();
    let body: Value = serde_json::from_slice(&receiver.deliveries()[0].body).unwrap();
    let data = json!({"video_translate_id": id, "callback_id": "order_1", "message": "too long", "output_language": "Spanish"});
    assert_eq!(body, json!({"event_type": "video_translate.fail", "event_data": data}));
    let known = json!({"kind": "avatar_video", "outcome": "succeeds", "milliseconds": 1});
    for (field, value) in [("kind", json!("podcast")), ("failure", json!("why")), ("outcome", json!("explodes"))] {
        let mut unknown = known.clone();
        unknown[field] = value;
        rejected(&api.call("POST", "/_simulator/jobs", json!([known, unknown])), 400, "invalid_parameter");
    }
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries().len(), 1, "all jobs of a call are started, or none");
}

#[test]
fn control_needs_the_api_key_and_is_not_part_of_the_api() {
    let api = api();
    let stranger = Access { api_key: "another".to_owned(), ..api.access() };
    assert!(!format!("{:?}", api.access()).contains(api.api_key()));
    assert!(Remote::new(stranger.clone()).emit(FINISHED, None).is_err());
    assert!(Remote::new(stranger).deliveries().is_err());
    rejected(&api.send("GET", "/_simulator/deliveries", &[], "").unwrap(), 401, "unauthorized");
    rejected(&api.call("POST", "/_simulator/events?disturbance=thrice", Value::Null), 400, "invalid_parameter");
    rejected(&api.get("/_simulator/deliveries?limit=1"), 400, "invalid_parameter");
    rejected(&api.get("/_simulator/nothing"), 404, "not_found");
    assert_eq!(api.deliveries(), []);

    api.inject(When::Nth(1), Fault::internal());
    let remote = Remote::new(api.access());
    remote.emit(FINISHED, None).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(api.calls(), []);
    rejected(&api.call("POST", ENDPOINTS, json!({"url": SOME_URL})), 500, "internal_error");
}
