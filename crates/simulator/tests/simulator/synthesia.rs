//! Synthesia.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{Disturbance, JobOutcome, Options, Platform, Product, Progress, Receiver};
use webhook::{Secret, sign};

const SYNTHESIA: Platform = Platform::Synthesia;
const BODY: &str = r#"{"type":"video.completed","data":{"id":"11111111-2222-3333-4444-555555555555","status":"complete","callbackId":"order_77","download":"https://files.example.invalid/v.mp4"}}"#;

fn subscribe(api: &Api, receiver: &Receiver) -> String {
    api.api(SYNTHESIA).register(receiver.url(), &["video.completed", "video.failed"])
}

fn create(api: &Api, callback_id: &str) -> String {
    let body = json!({"title": "Welcome", "callbackId": callback_id, "input": [{"scriptText": "Hello."}]});
    let created = api.at(SYNTHESIA, "POST", "/v2/videos", body);
    assert_eq!(created.status, 201, "{}", created.json());
    created.json()["id"].as_str().unwrap().to_owned()
}

fn refused(response: &simulator::http::Response, status: u16) {
    assert_eq!(response.status, status, "{}", response.json());
    assert!(response.json()["error"].is_string() && response.json()["context"].is_string(), "{}", response.json());
}

#[test]
fn a_delivery_is_signed_as_the_vectors_of_the_documentation_say() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let id = subscribe(&api, &receiver);
    let secret = Secret::new("6f1c2f5e-3b7a-4d52-9a77-0d6f0c1e2a34").unwrap();
    api.api(SYNTHESIA).change_webhook(&id, |webhook| webhook.secret = secret.clone());
    api.api(SYNTHESIA).emit_body(None, BODY);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let delivery = receiver.deliveries().pop().unwrap();
    assert_eq!(delivery.body, BODY.as_bytes());
    let (timestamp, signature) = (delivery.header("synthesia-timestamp"), delivery.header("synthesia-signature"));
    assert!(timestamp.unwrap().parse::<i64>().is_ok());
    assert_eq!(signature.unwrap(), sign(&secret, format!("{}.{BODY}", timestamp.unwrap()).as_bytes()));
    let vector = |timestamp: &str| sign(&secret, format!("{timestamp}.{BODY}").as_bytes());
    assert_eq!(vector("1760000000"), "e3c2cce517dc7e5a2db7fd9e304c41dbb004037fd4faa031309f5dc3e74027f5");
    assert_eq!(vector("1760000001"), "fd703e63aeb42c4dd29f3225ff4de6603c853bc67341ead3ec463e3e433297dc");
}

#[test]
fn a_video_is_created_looked_up_and_reported() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    subscribe(&api, &receiver);
    let id = create(&api, "order_77");
    let path = format!("/v2/videos/{id}");
    let running = ok(&api.get_at(SYNTHESIA, &path));
    assert_eq!((&running["status"], &running["download"]), (&json!("in_progress"), &Value::Null));
    assert!(api.end_job(&id, JobOutcome::Succeeds, None));
    assert!(!api.end_job(&id, JobOutcome::Succeeds, None), "it ends once");
    api.wait_until_delivered(TIMEOUT).unwrap();
    let event = bodies(&receiver).pop().unwrap();
    assert_eq!(event["type"], "video.completed");
    let (first, second) = (ok(&api.get_at(SYNTHESIA, &path)), ok(&api.get_at(SYNTHESIA, &path)));
    for video in [&event["data"], &first, &second] {
        assert_eq!(
            [&video["id"], &video["status"], &video["callbackId"], &video["title"]],
            [&json!(id), &json!("complete"), &json!("order_77"), &json!("Welcome")]
        );
        for link in [&video["download"], &video["captions"]["srt"], &video["thumbnail"]["image"]] {
            assert_eq!(api.http.get(link.as_str().unwrap()).unwrap().status, 200);
        }
    }
    assert_ne!(first["download"], second["download"], "each answer has links of its own");
}

#[test]
fn the_event_of_a_failure_has_no_callback_id_and_the_look_up_no_reason() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    subscribe(&api, &receiver);
    for (outcome, status) in [
        (JobOutcome::Fails("The script was refused.".into()), "error"),
        (JobOutcome::IsRejected("The script was refused.".into()), "rejected"),
    ] {
        let id = create(&api, "order_78");
        api.end_job(&id, outcome, None);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let event = bodies(&receiver).pop().unwrap();
        assert_eq!((&event["type"], &event["data"]["id"]), (&json!("video.failed"), &json!(id)));
        assert_eq!(
            (&event["data"]["status"], &event["data"]["message"]),
            (&json!(status), &json!("The script was refused."))
        );
        assert!(event["data"].get("callbackId").is_none());
        let video = ok(&api.get_at(SYNTHESIA, &format!("/v2/videos/{id}")));
        assert_eq!((&video["status"], &video["callbackId"]), (&json!(status), &json!("order_78")));
        assert!(!video.to_string().contains("refused"));
    }
}

#[test]
fn a_delivery_is_tried_three_times_and_a_redirect_counts_as_delivered() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    subscribe(&api, &receiver);
    for status in [500, 404, 503] {
        receiver.respond_next(status);
    }
    api.api(SYNTHESIA).emit_body(None, BODY);
    assert!(api.wait_until_delivered(TIMEOUT).is_err());
    let deliveries = receiver.deliveries();
    assert_eq!(deliveries.len(), 3);
    let signatures: Vec<_> = deliveries.iter().map(|one| one.header("synthesia-signature")).collect();
    assert_eq!(signatures, [signatures[0]; 3], "a retry is the same again");
    receiver.respond_next(500);
    receiver.respond_next(302);
    api.api(SYNTHESIA).emit_body(None, BODY);
    wait_for("the second event", || api.deliveries()[1].progress == Progress::Delivered);
    assert_eq!(receiver.deliveries().len(), 5);
}

#[test]
fn a_receiver_that_is_slower_than_the_limit_gets_the_delivery_again() {
    let receiver = Receiver::start().unwrap();
    let mut options = Options::default();
    assert_eq!(options.synthesia.delivery_limit, millis(6000));
    options.synthesia.delivery_limit = millis(50);
    let api = Api::start(options);
    subscribe(&api, &receiver);
    receiver.respond_next_after(200, millis(300));
    api.api(SYNTHESIA).emit_body(None, BODY);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let attempts: Vec<_> = api.deliveries()[0].attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(attempts, [None, Some(204)]);
}

#[test]
fn an_event_can_be_lost_or_arrive_twice() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    subscribe(&api, &receiver);
    let [lost, twice] = ["lost", "twice"].map(|order| create(&api, order));
    api.end_job(&lost, JobOutcome::Succeeds, Some(Disturbance::Lost));
    api.end_job(&twice, JobOutcome::Succeeds, Some(Disturbance::Twice));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let ids: Vec<_> = bodies(&receiver).iter().map(|event| event["data"]["id"].clone()).collect();
    assert_eq!(ids, [json!(twice), json!(twice)]);
    assert_eq!(ok(&api.get_at(SYNTHESIA, &format!("/v2/videos/{lost}")))["status"], "complete");
}

#[test]
fn a_webhook_is_registered_listed_and_deleted_and_its_secret_shown_once() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let new = json!({"events": ["video.completed"], "url": receiver.url()});
    let created = api.at(SYNTHESIA, "POST", "/v2/webhooks", new);
    assert_eq!((created.status, &created.json()["status"]), (201, &json!("active")));
    let (id, secret) = (created.json()["id"].as_str().unwrap().to_owned(), created.json()["secret"].clone());
    assert_eq!(serde_json::to_value(&api.api(SYNTHESIA).webhooks()[0].secret).unwrap(), secret);
    let path = format!("/v2/webhooks/{id}");
    let (one, list) = (ok(&api.get_at(SYNTHESIA, &path)), ok(&api.get_at(SYNTHESIA, "/v2/webhooks")));
    assert_eq!(list, json!({"webhooks": [one]}));
    assert!(one.get("secret").is_none() && one.get("events").is_none(), "{one}");

    api.api(SYNTHESIA).emit("video.failed", json!({}));
    api.api(SYNTHESIA).emit("video.completed", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(bodies(&receiver), [json!({"type": "video.completed", "data": {}})], "it subscribes to one type");

    refused(&api.at(SYNTHESIA, "PATCH", &path, json!({})), 405);
    assert_eq!(api.at(SYNTHESIA, "DELETE", &path, Value::Null).status, 204);
    refused(&api.at(SYNTHESIA, "DELETE", &path, Value::Null), 404);
    assert_eq!(ok(&api.get_at(SYNTHESIA, "/v2/webhooks")), json!({"webhooks": []}));
    assert_eq!(ok(&api.get_at(SYNTHESIA, "/v2/webhooks?deleted=true"))["webhooks"][0]["status"], "deleted");
    api.api(SYNTHESIA).emit("video.completed", json!({}));
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries().len(), 1);
}

#[test]
fn a_webhook_needs_a_public_url_and_known_events() {
    let api = api();
    let register =
        |url: &str, events: Value| api.at(SYNTHESIA, "POST", "/v2/webhooks", json!({"url": url, "events": events}));
    for url in [
        "http://hooks.example.com/x",
        "https://hooks",
        "https://localhost/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://169.254.1.1/x",
        "https://172.16.0.1/x",
        "https://172.31.9.9/x",
        "https://192.168.1.1/x",
        "hooks",
        "",
    ] {
        refused(&register(url, json!(["video.failed"])), 400);
    }
    for url in ["https://user:pw@hooks.example.com:8443/x?y=z", "https://172.32.0.1/x", "https://a.example.invalid"] {
        assert_eq!(register(url, json!(["video.failed"])).status, 201, "{url}");
    }
    for events in [json!([]), json!(["video.created"]), json!("video.failed"), Value::Null] {
        refused(&register("https://a.example.com", events), 400);
    }
    let body = json!({"url": "https://a.example.com", "events": ["video.failed"], "name": "x"});
    refused(&api.at(SYNTHESIA, "POST", "/v2/webhooks", body), 400);
}

#[test]
fn the_list_has_every_video_with_its_callback_id_in_pages() {
    let api = patient();
    let orders: Vec<_> = (0..5).map(|number| format!("order_{number}")).collect();
    for order in &orders {
        create(&api, order);
    }
    let (mut offset, mut seen) = (Some(json!(0)), Vec::new());
    while let Some(next) = offset {
        let path = format!("/v2/videos?limit=2&source=workspace&source=my_videos&offset={next}");
        let page = ok(&api.get_at(SYNTHESIA, &path));
        let videos = page["videos"].as_array().unwrap();
        seen.extend(videos.iter().map(|video| video["callbackId"].as_str().unwrap().to_owned()));
        offset = page.get("nextOffset").cloned();
    }
    seen.reverse();
    assert_eq!(seen, orders);
    for query in ["limit=0", "limit=101", "limit=x", "source=elsewhere", "page=1"] {
        refused(&api.get_at(SYNTHESIA, &format!("/v2/videos?{query}")), 400);
    }
}

#[test]
fn errors_are_synthesias() {
    let api = api();
    let url = format!("{}/v2/videos", api.api(SYNTHESIA).access().url);
    let key = api.api(SYNTHESIA).access().api_key;
    for headers in [vec![], vec![("Authorization", format!("Bearer {key}"))], vec![("X-Api-Key", key)]] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        refused(&api.http.send("GET", &url, &headers, &[]).unwrap(), 403);
    }
    let translation = api.start_job(simulator::JobKind::Lipsync, None, JobOutcome::NeverEnds);
    let tavus = api.start_job(Product::TavusVideo.into(), None, JobOutcome::NeverEnds);
    for id in ["unknown", &translation, &tavus] {
        refused(&api.get_at(SYNTHESIA, &format!("/v2/videos/{id}")), 404);
    }
    refused(&api.get_at(SYNTHESIA, "/v2/nothing"), 404);
    for body in [
        json!({}),
        json!({"input": []}),
        json!({"input": [{}], "callback_id": "x"}),
        json!({"input": [{}], "callbackId": 1}),
    ] {
        refused(&api.at(SYNTHESIA, "POST", "/v2/videos", body), 400);
    }
}

#[test]
fn too_many_reads_are_rejected_with_the_time_to_wait() {
    let mut options = Options::default();
    assert_eq!(options.synthesia.gets_per_minute, 60);
    options.synthesia.gets_per_minute = 2;
    let api = Api::start(options);
    let read = || api.get_at(SYNTHESIA, "/v2/videos");
    assert_eq!([read().status, read().status], [200, 200]);
    let rejected = read();
    refused(&rejected, 429);
    assert_eq!(rejected.header("ratelimit-limit"), Some("2"));
    let wait: u64 = rejected.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(rejected.header("retry-after"), None);
    create(&api, "a write is not counted");
    api.advance(std::time::Duration::from_secs(wait));
    assert_eq!(read().status, 200);
}
