//! Tavus.

use crate::support::*;
use serde_json::{Value, json};
use simulator::http::Response;
use simulator::{Disturbance, JobOutcome, Options, Platform, Product, Progress, Receiver};

const TAVUS: Platform = Platform::Tavus;

fn create(api: &Api, path: &str, callback_url: &str) -> String {
    let (id, body) = match path {
        "/v2/videos" => (
            "video_id",
            json!({"replica_id": "r1a2b3c", "script": "Hello.", "video_name": "order_80", "callback_url": callback_url}),
        ),
        "/v2/conversations" => ("conversation_id", json!({"replica_id": "r1a2b3c", "callback_url": callback_url})),
        _ => ("replica_id", json!({"train_video_url": "https://a.example.com/v.mp4", "callback_url": callback_url})),
    };
    ok(&api.at(TAVUS, "POST", path, body))[id].as_str().unwrap().to_owned()
}

fn fails(why: &str) -> JobOutcome {
    JobOutcome::Fails(why.to_owned())
}

fn refused(response: &Response, status: u16) {
    let field = if status == 400 { "error" } else { "message" };
    assert_eq!(response.status, status, "{}", response.json());
    assert!(
        response.json()[field].is_string() && response.json().as_object().unwrap().len() == 1,
        "{}",
        response.json()
    );
}

#[test]
fn a_video_is_created_looked_up_and_reported_without_a_signature() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    let id = create(&api, "/v2/videos", &receiver.url());
    let path = format!("/v2/videos/{id}");
    let running = ok(&api.get_at(TAVUS, &path));
    assert_eq!((&running["status"], &running["download_url"]), (&json!("generating"), &Value::Null));
    api.end_job(&id, JobOutcome::Succeeds, None);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let [delivery] = &receiver.deliveries()[..] else { panic!("one callback") };
    assert!(delivery.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", delivery.headers);
    let (callback, shown) = (bodies(&receiver).pop().unwrap(), ok(&api.get_at(TAVUS, &path)));
    for video in [&callback, &shown] {
        assert_eq!(
            [&video["video_id"], &video["video_name"], &video["status"], &video["generation_progress"], &video["data"]],
            [&json!(id), &json!("order_80"), &json!("ready"), &json!("100/100"), &json!({"script": "Hello."})]
        );
        assert_eq!(api.http.get(video["download_url"].as_str().unwrap()).unwrap().status, 200);
        let created_at = video["created_at"].as_str().unwrap();
        assert!(created_at.len() == 26 && created_at.as_bytes()[10] == b' ', "{created_at}");
    }
    assert_ne!(callback["download_url"], shown["download_url"]);
    assert!(shown.get("gif_thumbnail_url").is_none());
    assert!(ok(&api.get_at(TAVUS, &format!("{path}?verbose=true")))["gif_thumbnail_url"].is_string());
    assert_eq!(ok(&api.get_at(TAVUS, "/v2/videos?limit=1&page=0"))["data"][0]["video_id"], json!(id));
    assert_eq!(ok(&api.get_at(TAVUS, "/v2/videos?limit=1&page=1"))["data"], json!([]));
}

#[test]
fn a_failed_video_still_has_a_page_and_no_links() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    let id = create(&api, "/v2/videos", &receiver.url());
    api.end_job(&id, fails("It could not be spoken."), None);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let callback = bodies(&receiver).pop().unwrap();
    assert_eq!(callback, ok(&api.get_at(TAVUS, &format!("/v2/videos/{id}"))));
    assert_eq!(
        (&callback["status"], &callback["status_details"]),
        (&json!("error"), &json!("It could not be spoken."))
    );
    assert!(callback["hosted_url"].is_string() && callback["download_url"].is_null());
}

#[test]
fn a_callback_is_tried_once() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    let id = create(&api, "/v2/videos", &receiver.url());
    receiver.respond_next(503);
    api.end_job(&id, JobOutcome::Succeeds, None);
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    assert_eq!(receiver.deliveries().len(), 1);
    let delivery = api.deliveries().pop().unwrap();
    assert_eq!((delivery.platform, delivery.endpoint_id, delivery.progress), (TAVUS, id, Progress::GaveUp));
}

#[test]
fn the_look_up_of_a_conversation_has_the_events_of_its_callbacks() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    let url = format!("{}/token", receiver.url());
    let id = create(&api, "/v2/conversations", &url);
    let types = |events: &[Value]| -> Vec<String> {
        let mut types: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect();
        types.sort();
        types
    };
    let joined = ["system.pal_joined", "system.replica_joined"];
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(types(&bodies(&receiver)), joined);
    let path = format!("/v2/conversations/{id}");
    let running = ok(&api.get_at(TAVUS, &format!("{path}?verbose=true")));
    assert_eq!((&running["status"], running["events"].as_array().unwrap().len()), (&json!("active"), 2));
    api.end_job(&id, JobOutcome::Succeeds, None);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let callbacks = bodies(&receiver);
    assert_eq!(types(&callbacks), [&["application.transcription_ready"], &joined[..], &["system.shutdown"]].concat());
    let ended = ok(&api.get_at(TAVUS, &format!("{path}?verbose=true")));
    assert_eq!((&ended["status"], &ended["shutdown_reason"]), (&json!("ended"), &json!("participant_left_timeout")));
    assert_eq!(types(ended["events"].as_array().unwrap()), types(&callbacks));
    for event in ended["events"].as_array().unwrap() {
        let callback = callbacks.iter().find(|callback| callback["event_type"] == event["event_type"]).unwrap();
        assert_eq!([&callback["timestamp"], &callback["properties"]], [&event["timestamp"], &event["properties"]]);
        assert_eq!([&callback["conversation_id"], &callback["webhook_url"]], [&json!(id), &json!(url)]);
    }
    assert!(ok(&api.get_at(TAVUS, &path)).get("events").is_none(), "only if it is verbose");
}

#[test]
fn a_conversation_that_fails_has_a_reason_and_no_transcript() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    for (why, reason) in [("exception: out of memory", "exception: out of memory"), ("", "internal error")] {
        let id = create(&api, "/v2/conversations", &receiver.url());
        api.end_job(&id, fails(why), None);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let callback =
            bodies(&receiver).into_iter().rev().find(|event| event["event_type"] == "system.shutdown").unwrap();
        assert_eq!(callback["properties"]["shutdown_reason"], json!(reason));
        let ended = ok(&api.get_at(TAVUS, &format!("/v2/conversations/{id}?verbose=true")));
        assert_eq!((&ended["shutdown_reason"], ended["events"].as_array().unwrap().len()), (&json!(reason), 3));
    }
}

#[test]
fn a_trained_replica_is_ready_by_callback_and_completed_by_look_up() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    let id = create(&api, "/v2/replicas", &receiver.url());
    let path = format!("/v2/replicas/{id}");
    assert_eq!(ok(&api.get_at(TAVUS, &path))["status"], "started");
    api.end_job(&id, JobOutcome::Succeeds, Some(Disturbance::Twice));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(bodies(&receiver), vec![json!({"replica_id": id, "status": "ready"}); 2]);
    assert_eq!(ok(&api.get_at(TAVUS, &path))["status"], "completed");
    let id = create(&api, "/v2/replicas", &receiver.url());
    api.end_job(&id, fails("The video is too short."), None);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let error = json!({"replica_id": id, "status": "error", "error_message": "The video is too short."});
    assert_eq!(bodies(&receiver).pop(), Some(error));
}

#[test]
fn any_text_is_a_callback_url_and_without_one_nobody_is_called() {
    let api = patient();
    for url in ["no url", ""] {
        let id = create(&api, "/v2/videos", url);
        api.end_job(&id, JobOutcome::Succeeds, None);
    }
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    let attempts: Vec<_> = api.deliveries().iter().flat_map(|one| one.attempts.clone()).map(|one| one.status).collect();
    assert_eq!(attempts, [None]);
}

#[test]
fn errors_are_tavus() {
    let mut options = Options::default();
    options.tavus.gets_per_minute = 3;
    options.tavus.says_retry_after = true;
    let api = Api::start(options);
    let access = api.api(TAVUS).access();
    for (name, value) in
        [("x-api-key", "wrong"), ("Authorization", access.api_key.as_str()), ("x-api-key", api.api_key())]
    {
        refused(&api.http.send("GET", &format!("{}/v2/videos", access.url), &[(name, value)], &[]).unwrap(), 401);
    }
    for body in [
        json!({"script": "x"}),
        json!({"replica_id": "r"}),
        json!({"replica_id": "r", "script": "x", "webhook": "https://a.example.com"}),
        json!({"replica_id": "r", "script": "x", "callback_url": 1}),
    ] {
        refused(&api.at(TAVUS, "POST", "/v2/videos", body), 400);
    }
    refused(&api.at(TAVUS, "POST", "/v2/replicas", json!({})), 400);
    refused(&api.at(TAVUS, "POST", "/v2/conversations", json!({"user_data": "x"})), 400);
    let video = api.start_job(Product::TavusVideo.into(), None, JobOutcome::NeverEnds);
    refused(&api.get_at(TAVUS, "/v2/videos/unknown"), 404);
    refused(&api.get_at(TAVUS, &format!("/v2/conversations/{video}")), 404);
    refused(&api.get_at(TAVUS, "/v2/videos?limit=0"), 400);
    let rejected = api.get_at(TAVUS, &format!("/v2/videos/{video}"));
    refused(&rejected, 429);
    assert!(rejected.header("retry-after").unwrap().parse::<u32>().is_ok_and(|wait| (1..=60).contains(&wait)));
}
