//! Control by other processes.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{Access, Disturbance, Fault, Options, Progress, Receiver, Remote, When};

const FINISHED: &[u8] = b"{ \"event_type\": \"batch.finished\", \"event_data\": {} }";

#[test]
fn another_process_emits_and_sees_what_became_of_it() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let remote = Remote::new(api.access());
    receiver.answer_next(500);
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
fn control_is_closed_to_others_and_no_part_of_the_api() {
    let api = api();
    let stranger = Access { api_key: "another".to_owned(), ..api.access() };
    assert!(!format!("{:?}", api.access()).contains(api.api_key()));
    assert!(Remote::new(stranger.clone()).emit(FINISHED, None).is_err());
    assert!(Remote::new(stranger).deliveries().is_err());
    refused(&api.send("GET", "/_simulator/deliveries", &[], "").unwrap(), 401, "unauthorized");
    refused(&api.call("POST", "/_simulator/events?disturbance=thrice", Value::Null), 400, "invalid_parameter");
    refused(&api.get("/_simulator/deliveries?limit=1"), 400, "invalid_parameter");
    refused(&api.get("/_simulator/nothing"), 404, "not_found");
    assert_eq!(api.deliveries(), []);

    api.order(When::Nth(1), Fault::internal());
    let remote = Remote::new(api.access());
    remote.emit(FINISHED, None).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(api.calls(), []);
    refused(&api.call("POST", ENDPOINTS, json!({"url": SOME_URL})), 500, "internal_error");
}
