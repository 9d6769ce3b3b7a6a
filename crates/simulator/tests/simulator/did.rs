//! D-ID.

use crate::support::*;
use serde_json::{Value, json};
use simulator::http::Response;
use simulator::{Disturbance, JobOutcome, Options, Platform, Product, Receiver};

const DID: Platform = Platform::Did;
const KINDS: [&str; 4] = ["talks", "clips", "animations", "scenes"];

fn body(kind: &str, webhook: &str) -> Value {
    let mut body = json!({"webhook": webhook, "user_data": "order_90"});
    if kind != "animations" {
        body["script"] = json!({"type": "text", "input": "Hello."});
    }
    if kind == "scenes" {
        body["avatar_id"] = json!("avt_1");
    }
    body
}

fn create(api: &Api, kind: &str, webhook: &str) -> String {
    let created = api.at(DID, "POST", &format!("/{kind}"), body(kind, webhook));
    assert_eq!((created.status, &created.json()["status"]), (201, &json!("created")), "{}", created.json());
    created.json()["id"].as_str().unwrap().to_owned()
}

fn refused(response: &Response, status: u16, kind: &str) {
    let error = response.json();
    assert_eq!((response.status, &error["kind"]), (status, &json!(kind)), "{error}");
    assert!(error["description"].is_string());
}

#[test]
fn a_job_is_created_looked_up_and_reported_without_a_signature() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    for kind in KINDS {
        let id = create(&api, kind, &receiver.url());
        let path = format!("/{kind}/{id}");
        let running = ok(&api.get_at(DID, &path));
        assert_eq!((&running["status"], running.get("result_url")), (&json!("started"), None));
        api.end_job(&id, JobOutcome::Succeeds, None);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let delivery = receiver.deliveries().pop().unwrap();
        assert!(delivery.headers.iter().all(|(name, _)| !name.contains("signature")), "{:?}", delivery.headers);
        let (callback, shown) = (bodies(&receiver).pop().unwrap(), ok(&api.get_at(DID, &path)));
        for job in [&callback, &shown] {
            assert_eq!(
                [&job["id"], &job["status"], &job["user_data"], &job["webhook"]],
                [&json!(id), &json!("done"), &json!("order_90"), &json!(receiver.url())]
            );
            assert!(job.get("event_type").is_none() && job.get("object").is_none(), "nothing says which kind it is");
        }
        let link = shown["result_url"].as_str().unwrap();
        assert_ne!(callback["result_url"], shown["result_url"]);
        assert!(link.contains("?Expires=") && api.http.get(link).unwrap().status == 200, "{link}");
        assert_eq!(shown["subtitles_url"].is_string(), kind == "scenes");
        assert_eq!(ok(&api.get_at(DID, &format!("/{kind}")))[kind][0]["id"], json!(id));
    }
    assert_eq!(receiver.deliveries().len(), KINDS.len());
    let link = ok(&api.get_at(DID, "/talks"))["talks"][0]["result_url"].clone();
    api.advance(std::time::Duration::from_secs(24 * 60 * 60 + 1));
    assert_eq!(api.http.get(link.as_str().unwrap()).unwrap().status, 403, "after a day");
}

#[test]
fn only_the_ids_of_talks_and_clips_say_what_they_are() {
    let api = patient();
    let prefixes = KINDS.map(|kind| create(&api, kind, "").split_once('_').map(|(prefix, _)| prefix.to_owned()));
    assert_eq!(prefixes, [Some("tlk".to_owned()), Some("clp".to_owned()), None, None]);
}

#[test]
fn a_job_fails_or_is_rejected_where_its_kind_has_that() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    for kind in KINDS {
        let rejected = if kind == "animations" { "error" } else { "rejected" };
        for (outcome, status) in
            [(JobOutcome::Fails("why".into()), "error"), (JobOutcome::IsRejected("why".into()), rejected)]
        {
            let id = create(&api, kind, &receiver.url());
            api.end_job(&id, outcome, None);
            api.wait_until_delivered(TIMEOUT).unwrap();
            let callback = bodies(&receiver).pop().unwrap();
            assert_eq!(callback, ok(&api.get_at(DID, &format!("/{kind}/{id}"))));
            assert_eq!((&callback["status"], &callback["error"]["description"]), (&json!(status), &json!("why")));
            assert!(callback.get("result_url").is_none());
        }
    }
}

#[test]
fn a_callback_is_tried_once_and_can_be_lost_or_sent_twice() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    for (disturbance, expected) in [(Some(Disturbance::Lost), 0), (Some(Disturbance::Twice), 2), (None, 3)] {
        let id = create(&api, "talks", &receiver.url());
        api.end_job(&id, JobOutcome::Succeeds, disturbance);
        api.wait_until_delivered(TIMEOUT).unwrap();
        assert_eq!(receiver.deliveries().len(), expected);
    }
    receiver.respond_next(500);
    let id = create(&api, "talks", &receiver.url());
    api.end_job(&id, JobOutcome::Succeeds, None);
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    assert_eq!(receiver.deliveries().len(), 4);
}

#[test]
fn a_webhook_is_https_or_loopback_and_user_data_short_text() {
    let api = patient();
    let talk = |field: &str, value: Value| {
        let mut body = body("talks", "");
        body[field] = value;
        api.at(DID, "POST", "/talks", body)
    };
    for url in ["http://a.example.com", "https://", "https://a.example.com/x y", "ftp://a.example.com", "x"] {
        refused(&talk("webhook", json!(url)), 400, "BadRequestError");
    }
    for url in ["https://user:pw@a.example.com/token?x=y", "http://127.0.0.1:1/x", ""] {
        assert_eq!(talk("webhook", json!(url)).status, 201, "{url}");
    }
    for user_data in [json!(""), json!("  "), json!("x".repeat(1001)), json!(1), json!({})] {
        refused(&talk("user_data", user_data), 400, "BadRequestError");
    }
    assert_eq!(talk("user_data", json!("ü".repeat(1000))).status, 201);
    for (field, value) in [("script", Value::Null), ("callback_id", json!("x")), ("avatar_id", json!("x"))] {
        refused(&talk(field, value), 400, "BadRequestError");
    }
    refused(&api.at(DID, "POST", "/scenes", body("talks", "")), 400, "BadRequestError");
}

#[test]
fn the_list_is_in_pages() {
    let api = patient();
    let mut ids: Vec<_> = (0..5).map(|_| create(&api, "talks", "")).collect();
    create(&api, "clips", "");
    ids.reverse();
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ok(&api.get_at(DID, &format!("/talks?limit=2{token}")));
        seen.extend(page["talks"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.get("token").and_then(Value::as_str) else { break };
        token = format!("&token={next}");
    }
    assert_eq!(seen, ids);
    for query in ["limit=0", "limit=101", "token=unknown", "page=1"] {
        refused(&api.get_at(DID, &format!("/talks?{query}")), 400, "BadRequestError");
        refused(&api.get_at(DID, &format!("/expressives?{query}")), 400, "BadRequestError");
    }
    for name in ["expressives", "translations"] {
        assert_eq!(ok(&api.get_at(DID, &format!("/{name}?limit=100"))), json!({ name: [] }));
    }
}

#[test]
fn errors_are_dids() {
    let mut options = Options::default();
    options.did.gets_per_minute = 2;
    let api = Api::start(options);
    let access = api.api(DID).access();
    for value in ["", &access.api_key, "Basic wrong", &format!("Bearer {}", access.api_key)] {
        let headers = [("Authorization", value)];
        let response = api.http.send("GET", &format!("{}/talks", access.url), &headers, &[]).unwrap();
        refused(&response, 401, "AuthorizationError");
    }
    let clip = api.start_job(Product::DidClip.into(), None, JobOutcome::NeverEnds);
    for id in ["tlk_unknown", &clip] {
        refused(&api.get_at(DID, &format!("/talks/{id}")), 404, "NotFoundError");
    }
    refused(&api.get_at(DID, &format!("/clips/{clip}")), 429, "TooManyRequestsError");
}
