//! Deliveries.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{
    CallbackUrl, Disturbance, Existing, Headers, JobKind, JobOutcome, Options, Progress, Receiver, Remote, Retries,
    RetrySignatures, StartJob,
};
use std::time::Duration;

#[test]
fn an_event_is_delivered_signed_to_every_enabled_endpoint_that_subscribes() {
    let (all, some, off) = (Receiver::start().unwrap(), Receiver::start().unwrap(), Receiver::start().unwrap());
    let endpoints = vec![
        Existing::new(all.url()),
        Existing::new(all.url()),
        Existing { events: Some(vec!["batch.finished".into()]), ..Existing::new(some.url()) },
        Existing { enabled: false, ..Existing::new(off.url()) },
        Existing::new(SOME_URL),
    ];
    let api = Api::start(Options { endpoints, ..Options::default() });
    api.emit("hologram.unheard_of", json!({"id": "h_1"}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!((all.deliveries().len(), some.deliveries().len(), off.deliveries().len()), (2, 0, 0));
    assert_eq!(api.deliveries().len(), 3);
    let received = &all.deliveries();
    let body: Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(body, json!({"event_type": "hologram.unheard_of", "event_data": {"id": "h_1"}}));
    // Each endpoint has its own secret, even if the URL is the same.
    for secret in [api.secret(0), api.secret(1)] {
        assert_eq!(received.iter().filter(|request| request.is_signed_with(&secret)).count(), 1);
    }

    assert!(api.disable(&api.id(0)) && !api.disable("unknown"));
    api.emit("batch.finished", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!((all.deliveries().len(), some.deliveries().len(), off.deliveries().len()), (3, 1, 0));
}

#[test]
fn the_headers_of_a_delivery_are_those_of_the_options() {
    let names = ["signature", "heygen-signature", "heygen-timestamp", "heygen-event-id"];
    let receiver = Receiver::start().unwrap();
    let headers = Headers { signature: false, heygen_signature: true, timestamp: true, event_id: true };
    for (headers, expected) in [(Options::default().headers, &names[..1]), (headers, &names[1..])] {
        let api = Api::with(&[&receiver], Options { headers, ..Options::default() });
        let event_id = api.emit("batch.finished", json!({}));
        api.wait_until_delivered(TIMEOUT).unwrap();
        let received = receiver.deliveries().pop().unwrap();
        assert_eq!(names.into_iter().filter(|name| received.header(name).is_some()).collect::<Vec<_>>(), expected);
        assert!(received.header("heygen-event-id").is_none_or(|id| id == event_id));
        let signature = heygen::sign(&api.secret(0), &received.body);
        assert!(received.header("heygen-signature").is_none_or(|value| value == signature));
    }
}

#[test]
fn a_delivery_is_retried_until_2xx() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    receiver.respond_next(500);
    receiver.respond_next(302);
    let event_id = api.emit("avatar_video.success", json!({"video_id": "vid_1"}));
    assert!(api.wait_until_delivered(millis(1)).is_err(), "it is still in flight");
    api.wait_until_delivered(TIMEOUT).unwrap();

    let [delivery] = &api.deliveries()[..] else { panic!("one delivery") };
    assert_eq!((&delivery.event_id, &delivery.endpoint_id), (&event_id, &api.id(0)));
    assert_eq!((delivery.event_type.as_str(), delivery.progress), ("avatar_video.success", Progress::Delivered));
    let attempts: Vec<_> = delivery.attempts.iter().map(|attempt| (attempt.number, attempt.status)).collect();
    assert_eq!(attempts, [(1, Some(500)), (2, Some(302)), (3, Some(204))]);
    let pauses: Vec<_> = delivery.attempts.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses[0] >= millis(10) && pauses[1] >= millis(20), "{pauses:?}");
    assert!(receiver.deliveries().windows(2).all(|pair| pair[0].body == pair[1].body));
}

#[test]
fn a_response_after_the_limit_does_not_count() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options { delivery_limit: millis(50), ..Options::default() });
    receiver.respond_next_after(204, millis(300));
    api.emit("batch.finished", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let attempts = &api.deliveries()[0].attempts;
    assert_eq!((attempts[0].status, attempts.last().unwrap().status), (None, Some(204)));
    assert!(receiver.deliveries().len() > 1, "the receiver got it twice");
}

#[test]
fn a_delivery_fails_after_the_last_attempt_and_at_once_without_its_endpoint() {
    let receiver = Receiver::start().unwrap();
    let api =
        Api::with(&[&receiver], Options { retries: Retries { base: millis(60), attempts: 2 }, ..Options::default() });
    receiver.respond_next(500);
    receiver.respond_next(500);
    api.emit("batch.finished", json!({}));
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    assert_eq!(api.deliveries()[0].progress, Progress::GaveUp);
    assert_eq!(receiver.deliveries().len(), 2);
    assert_eq!(ok(&api.get("/v3/webhooks/events"))["data"], json!([]));

    receiver.respond_next_after(500, millis(50));
    api.emit("batch.finished", json!({}));
    wait_for("the first attempt", || receiver.deliveries().len() == 3);
    ok(&api.call("DELETE", &format!("{ENDPOINTS}/{}", api.id(0)), Value::Null));
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    assert_eq!((api.deliveries()[1].progress, api.deliveries()[1].attempts.len()), (Progress::GaveUp, 1));
}

/// An event whose first attempt fails and whose second comes after a rotation, and the old secret.
fn rotated_between_two_attempts(retry_signatures: RetrySignatures) -> (Receiver, Api, heygen::Secret) {
    let receiver = Receiver::start().unwrap();
    let retries = Retries { base: millis(90), attempts: 2 };
    let api = Api::with(&[&receiver], Options { retries, retry_signatures, ..Options::default() });
    let old = api.secret(0);
    receiver.respond_next_after(500, millis(50));
    api.emit("batch.finished", json!({}));
    wait_for("the first attempt", || receiver.deliveries().len() == 1);
    ok(&api.call("POST", &format!("{ENDPOINTS}/{}/rotate-secret", api.id(0)), Value::Null));
    api.wait_until_delivered(TIMEOUT).unwrap();
    (receiver, api, old)
}

#[test]
fn the_old_secret_is_not_used_after_a_rotation() {
    let (receiver, api, old) = rotated_between_two_attempts(RetrySignatures::CurrentSecret);
    let [first, second] = &receiver.deliveries()[..] else { panic!("two attempts") };
    assert!(first.is_signed_with(&old) && !second.is_signed_with(&old));
    assert!(second.is_signed_with(&api.secret(0)));
}

#[test]
fn a_retry_may_keep_the_first_signature() {
    let (receiver, api, old) = rotated_between_two_attempts(RetrySignatures::FirstSecret);
    assert!(receiver.deliveries().iter().all(|request| request.is_signed_with(&old)));
    assert_eq!(receiver.deliveries().len(), 2);

    api.emit("batch.finished", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert!(receiver.deliveries()[2].is_signed_with(&api.secret(0)), "an event after the rotation has the new one");
}

#[test]
fn a_body_is_delivered_byte_for_byte() {
    let (all, some) = (Receiver::start().unwrap(), Receiver::start().unwrap());
    let only = Existing { events: Some(vec!["batch.finished".into()]), ..Existing::new(some.url()) };
    let api = Api::start(Options { endpoints: vec![Existing::new(all.url()), only], ..Options::default() });
    let bodies: [&[u8]; 3] = [
        b"{ \"event_type\" :\t\"batch.finished\",\"event_data\":{\"batch_id\":\"b\\u0031\"} }\n",
        b"\xff no text",
        b"[]",
    ];
    for body in bodies {
        api.emit_body(body);
        api.wait_until_delivered(TIMEOUT).unwrap();
    }
    assert_eq!(all.deliveries().iter().map(|request| request.body.as_slice()).collect::<Vec<_>>(), bodies);
    assert!(all.deliveries().iter().all(|request| request.is_signed_with(&api.secret(0))));
    assert_eq!(some.deliveries().len(), 1, "the type is read from the body");
    let events = ok(&api.get("/v3/webhooks/events?entity_id=b1"))["data"].clone();
    assert_eq!(events[0]["event_type"], "batch.finished");
}

#[test]
fn an_event_can_come_twice_late_or_never() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    for disturbance in [Disturbance::Twice, Disturbance::AfterTheNext, Disturbance::AfterTheNext] {
        api.disturb(disturbance);
    }
    let emit = |name: &str| api.emit("batch.finished", json!({"batch_id": name}));
    emit("twice");
    api.wait_until_delivered(TIMEOUT).unwrap();
    emit("late");
    emit("later");
    assert!(api.wait_until_delivered(millis(20)).is_err(), "they are held back");
    emit("next");
    api.wait_until_delivered(TIMEOUT).unwrap();
    api.disturb(Disturbance::Lost);
    emit("lost");
    api.wait_until_delivered(TIMEOUT).unwrap();

    let batch = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["event_data"]["batch_id"].clone();
    let came: Vec<_> = receiver.deliveries().iter().map(|request| batch(&request.body)).collect();
    assert_eq!(came, ["twice", "twice", "next", "late", "later"]);
    assert_eq!(api.deliveries().last().unwrap().progress, Progress::Lost);
    assert_eq!(ok(&api.get("/v3/webhooks/events"))["data"].as_array().unwrap().len(), 4);
}

#[test]
fn a_jobs_event_is_posted_to_its_callback_url_too_once_and_not_signed() {
    let (endpoint, callback) = (Receiver::start().unwrap(), Receiver::start().unwrap());
    let api = Api::with(&[&endpoint], Options::default());
    let remote = Remote::new(api.access());
    let start = |kind: JobKind, disturbance| {
        let url = Some(CallbackUrl(callback.url()));
        let job = StartJob { callback_url: url, disturbance, ..StartJob::ended(kind, JobOutcome::Succeeds, millis(1)) };
        let id = remote.start_jobs(&[job]).unwrap().concat();
        api.wait_until_delivered(TIMEOUT).unwrap();
        id
    };
    for kind in [JobKind::Video, JobKind::Translation("French".to_owned())] {
        let id = start(kind, None);
        let (called, signed) = (callback.deliveries().pop().unwrap(), endpoint.deliveries().pop().unwrap());
        assert_eq!(called.body, signed.body);
        assert!(String::from_utf8_lossy(&called.body).contains(&id));
        assert!(signed.is_signed_with(&api.secret(0)));
        assert!(called.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", called.headers);
    }
    let body: Value = serde_json::from_slice(&callback.deliveries()[0].body).unwrap();
    assert_eq!(body["event_data"]["callback_url"], json!(callback.url()));

    start(JobKind::Video, Some(Disturbance::Lost));
    assert_eq!((callback.deliveries().len(), endpoint.deliveries().len()), (2, 2));
    let before = api.deliveries().len();
    callback.respond_next(500);
    let url = Some(CallbackUrl(callback.url()));
    let job = StartJob { callback_url: url, ..StartJob::ended(JobKind::Video, JobOutcome::Succeeds, Duration::ZERO) };
    api.start_jobs(vec![job]);
    api.wait_until_delivered(TIMEOUT).unwrap_err();
    let ends: Vec<_> = api.deliveries()[before..].iter().map(|one| (one.attempts.len(), one.progress)).collect();
    assert_eq!(ends, [(1, Progress::Delivered), (1, Progress::GaveUp)]);
}

#[test]
fn the_delivered_events_can_be_listed_by_type_and_entity() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    for number in 0..3 {
        let video = json!({"video_id": format!("vid_{number}"), "callback_id": "order_1"});
        let event_id = api.emit("avatar_video.success", video.clone());
        api.emit("avatar_video_gif.success", video);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let events =
            ok(&api.get(&format!("/v3/webhooks/events?event_type=avatar_video.success&entity_id=vid_{number}")));
        assert_eq!(events["data"].as_array().unwrap().len(), 1);
        assert_eq!(events["data"][0]["event_id"], event_id);
    }
    let count = |query: &str| ok(&api.get(&format!("/v3/webhooks/events?{query}")))["data"].as_array().unwrap().len();
    assert_eq!(count("entity_id=vid_1"), 2);
    assert_eq!(count("event_type=avatar_video.success"), 3);
    assert_eq!(count("entity_id=order_1"), 0, "a callback_id is not an entity id");
    let page = ok(&api.get("/v3/webhooks/events?limit=4"));
    assert_eq!(page["has_more"], true);
    assert_eq!(count(&format!("limit=4&token={}", page["next_token"].as_str().unwrap())), 2);
}
