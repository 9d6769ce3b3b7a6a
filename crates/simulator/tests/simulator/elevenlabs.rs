//! ElevenLabs' jobs and deliveries.

use crate::support::*;
use serde_json::{Value, json};
use simulator::http::Response;
use simulator::{JobOutcome, Options, Platform, Product, Progress, Receiver};
use webhook::{Secret, sign};

const ELEVENLABS: Platform = Platform::ElevenLabs;

/// Bodies and their signatures with the timestamp 1760000000.
const VECTORS: [(&str, &str); 3] = [
    (
        r#"{"type":"flows_generation","event_timestamp":1760000000,"data":{"id":"gen_1","status":"completed","content_url":"https://files.example.invalid/g.mp4","content_mime_type":"video/mp4"}}"#,
        "70f2d50aab4265d7152ef9fa92a9995111566a4fe610ed9fade83d661322a41b",
    ),
    (
        r#"{"type":"speech_to_text_transcription","event_timestamp":1760000000,"data":{"request_id":"req_1","webhook_metadata":{"order":"order_78"},"transcription":{"language_code":"de","text":"Grüße"}}}"#,
        "ee440576cde12cf6f7f450f6ebff94032df80c5cef6a31189ee7f6369ec2b297",
    ),
    ("", "2cf67187b8cde78a2cab7d4b736fac0dd8453321aedce1d45ee1a057ef33e30e"),
];

pub fn subscribe(api: &Api, receiver: &Receiver) -> String {
    api.api(ELEVENLABS).register(receiver.url(), &["flows", "speech_to_text"])
}

fn create(api: &Api, webhook: Value) -> Response {
    let body = json!({"model_id": "veo", "prompt": "A boat.", "webhook": webhook});
    api.at(ELEVENLABS, "POST", "/v1/flows/video", body)
}

fn created(api: &Api, webhook: Value) -> String {
    let created = ok(&create(api, webhook));
    assert_eq!(created["status"], "pending");
    created["id"].as_str().unwrap().to_owned()
}

pub fn refused(response: &Response, status: u16, code: &str) {
    let detail = &response.json()["detail"];
    assert_eq!((response.status, &detail["code"]), (status, &json!(code)), "{detail}");
    assert!(detail["message"].is_string() && detail["request_id"].is_string());
}

pub fn misshapen(response: &Response) {
    let detail = &response.json()["detail"][0];
    assert_eq!(response.status, 422, "{}", response.json());
    assert!(detail["loc"].is_array() && detail["msg"].is_string() && detail["type"].is_string(), "{detail}");
}

#[test]
fn a_delivery_is_signed_as_the_vectors_of_the_documentation_say() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let id = subscribe(&api, &receiver);
    let secret = Secret::new("wsec_0123456789abcdef").unwrap();
    api.api(ELEVENLABS).change_webhook(&id, |webhook| webhook.secret = secret.clone());
    for (body, signature) in VECTORS {
        assert_eq!(sign(&secret, format!("1760000000.{body}").as_bytes()), signature);
        receiver.respond_next(200);
        api.api(ELEVENLABS).emit_body(None, body);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let delivery = receiver.deliveries().pop().unwrap();
        assert_eq!(delivery.body, body.as_bytes());
        let header = delivery.header("elevenlabs-signature").unwrap();
        let (timestamp, signature) = header.strip_prefix("t=").unwrap().split_once(",v0=").unwrap();
        assert!(timestamp.parse::<i64>().is_ok());
        assert_eq!(signature, sign(&secret, format!("{timestamp}.{body}").as_bytes()));
    }
}

#[test]
fn a_generation_is_created_looked_up_and_reported() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    subscribe(&api, &receiver);
    let id = created(&api, json!({"type": "all"}));
    let path = format!("/v1/flows/video/{id}");
    assert_eq!(ok(&api.get_at(ELEVENLABS, &path)), json!({"id": id, "status": "generating"}));
    receiver.respond_next(200);
    assert!(api.end_job(&id, JobOutcome::Succeeds, None));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let event = bodies(&receiver).pop().unwrap();
    assert!(event["type"] == "flows_generation" && event["event_timestamp"].is_i64(), "{event}");
    let shown = ok(&api.get_at(ELEVENLABS, &path));
    assert_ne!(shown["content_url"], event["data"]["content_url"], "each answer has a link of its own");
    for one in [&event["data"], &shown] {
        assert_eq!(
            [&one["id"], &one["status"], &one["content_mime_type"]],
            [&json!(id), &json!("completed"), &json!("video/mp4")]
        );
        assert_eq!(api.http.get(one["content_url"].as_str().unwrap()).unwrap().status, 200);
    }
    api.advance(std::time::Duration::from_secs(60 * 60 + 1));
    assert_eq!(api.http.get(shown["content_url"].as_str().unwrap()).unwrap().status, 403, "after an hour");

    for (outcome, reason) in
        [(JobOutcome::Fails("why".into()), "model_error"), (JobOutcome::IsRejected("why".into()), "moderated")]
    {
        let id = created(&api, json!({"type": "all"}));
        receiver.respond_next(200);
        api.end_job(&id, outcome, None);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let data = json!({"id": id, "status": "failed", "failure_reason": reason, "error_message": "why"});
        assert_eq!(bodies(&receiver).pop().unwrap()["data"], data);
        assert_eq!(ok(&api.get_at(ELEVENLABS, &format!("/v1/flows/video/{id}"))), data);
    }
}

#[test]
fn speech_is_a_generation_with_paths_of_its_own() {
    let api = patient();
    let speech = ok(&api.at(ELEVENLABS, "POST", "/v1/flows/text-to-speech", json!({"model_id": "v3", "text": "Hi."})));
    let id = speech["id"].as_str().unwrap();
    api.end_job(id, JobOutcome::Succeeds, None);
    let shown = ok(&api.get_at(ELEVENLABS, &format!("/v1/flows/text-to-speech/{id}")));
    assert_eq!(shown["content_mime_type"], "audio/mpeg");
    refused(&api.get_at(ELEVENLABS, &format!("/v1/flows/video/{id}")), 404, "not_found");
    assert_eq!(ok(&api.get_at(ELEVENLABS, "/v1/flows/video"))["generations"], json!([]));
    assert_eq!(ok(&api.get_at(ELEVENLABS, "/v1/flows/text-to-speech"))["generations"][0]["id"], id);
}

#[test]
fn only_webhooks_that_the_call_names_and_that_subscribe_hear_of_a_generation() {
    let [first, second, other] = [(); 3].map(|()| Receiver::start().unwrap());
    let api = patient();
    let [_, second_id] = [&first, &second].map(|receiver| subscribe(&api, receiver));
    let other_id = api.api(ELEVENLABS).register(other.url(), &["agent_qa"]);
    for (webhook, expected) in [
        (json!({"type": "all"}), [1, 1, 0]),
        (json!({"type": "ids", "ids": [second_id]}), [1, 2, 0]),
        (json!({"type": "ids", "ids": [other_id]}), [1, 2, 0]),
        (Value::Null, [1, 2, 0]),
    ] {
        for receiver in [&first, &second] {
            receiver.respond_next(200);
        }
        let id = created(&api, webhook);
        api.end_job(&id, JobOutcome::Succeeds, None);
        wait_for("the deliveries", || api.deliveries().iter().all(|one| one.progress != Progress::InFlight));
        assert_eq!([&first, &second, &other].map(|receiver| receiver.deliveries().len()), expected);
    }
}

#[test]
fn a_call_that_no_webhook_can_hear_of_is_refused() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    refused(&create(&api, json!({"type": "all"})), 400, "no_webhooks_configured");
    let id = subscribe(&api, &receiver);
    refused(&create(&api, json!({"type": "ids", "ids": [id, "unknown"]})), 400, "invalid_webhook_id");
    api.api(ELEVENLABS).change_webhook(&id, |webhook| webhook.workspace.is_disabled = true);
    refused(&create(&api, json!({"type": "ids", "ids": [id]})), 400, "webhook_disabled");
    refused(&create(&api, json!({"type": "all"})), 400, "no_webhooks_configured");
    for webhook in [json!(true), json!({"type": "some"}), json!({"type": "ids"}), json!({"type": "all", "ids": []})] {
        misshapen(&create(&api, webhook));
    }
    for body in [json!({}), json!({"model_id": "veo", "callback_id": "x"}), json!({"model_id": null})] {
        misshapen(&api.at(ELEVENLABS, "POST", "/v1/flows/video", body));
    }
    assert_eq!(ok(&api.get_at(ELEVENLABS, "/v1/flows/video"))["generations"], json!([]), "none was started");
}

#[test]
fn the_list_has_the_newest_first_by_status_and_page() {
    let api = patient();
    let mut ids: Vec<_> = (0..5).map(|_| created(&api, Value::Null)).collect();
    for id in &ids[..2] {
        api.end_job(id, JobOutcome::Succeeds, None);
    }
    ids.reverse();
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = ok(&api.get_at(ELEVENLABS, &format!("/v1/flows/video?page_size=2{cursor}")));
        seen.extend(page["generations"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        assert_eq!(page["has_more"], json!(page["next_cursor"].is_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids);
    let completed = ok(&api.get_at(ELEVENLABS, "/v1/flows/video?status=completed"));
    assert_eq!(completed["generations"].as_array().unwrap().len(), 2);
    for query in ["page_size=0", "page_size=101", "cursor=unknown", "status=done", "limit=1"] {
        misshapen(&api.get_at(ELEVENLABS, &format!("/v1/flows/video?{query}")));
    }
}

#[test]
fn nothing_is_tried_again_but_transcripts_of_calls_if_that_is_switched_on() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let id = subscribe(&api, &receiver);
    let attempts = |event_type: &str, retries: bool, responses: &[u16]| {
        api.api(ELEVENLABS).change_webhook(&id, |webhook| webhook.workspace.retry_enabled = retries);
        responses.iter().for_each(|status| receiver.respond_next(*status));
        api.api(ELEVENLABS).emit(event_type, json!({}));
        wait_for("the delivery", || api.deliveries().last().unwrap().progress != Progress::InFlight);
        let last = api.deliveries().pop().unwrap();
        (last.progress, last.attempts.len())
    };
    // Only 200 is a success.
    for status in [204, 202, 302, 500, 429] {
        assert_eq!(attempts("flows_generation", true, &[status]), (Progress::GaveUp, 1), "{status}");
        assert_eq!(attempts("flows_generation", true, &[200]), (Progress::Delivered, 1));
    }
    assert_eq!(attempts("post_call_transcription", false, &[500]), (Progress::GaveUp, 1));
    assert_eq!(attempts("post_call_transcription", true, &[503, 429, 408, 500, 200]), (Progress::Delivered, 5));
    assert_eq!(attempts("post_call_transcription", true, &[500, 404]), (Progress::GaveUp, 2), "no other 4xx");
    let deliveries = receiver.deliveries();
    let signatures: Vec<_> = deliveries.iter().rev().take(2).map(|one| one.header("elevenlabs-signature")).collect();
    assert_eq!(signatures[0], signatures[1]);
}

#[test]
fn errors_are_elevenlabs() {
    let mut options = Options::default();
    options.elevenlabs.gets_per_minute = 2;
    let api = Api::start(options);
    let access = api.api(ELEVENLABS).access();
    let url = format!("{}/v1/flows/video", access.url);
    for (name, value) in [("xi-api-key", "wrong"), ("X-Api-Key", &access.api_key), ("Authorization", &access.api_key)] {
        refused(&api.http.send("GET", &url, &[(name, value)], &[]).unwrap(), 401, "unauthorized");
    }
    let video = api.start_job(Product::SynthesiaVideo.into(), None, JobOutcome::NeverEnds);
    for id in ["unknown", &video] {
        refused(&api.get_at(ELEVENLABS, &format!("/v1/flows/video/{id}")), 404, "not_found");
    }
    let rejected = api.get_at(ELEVENLABS, "/v1/flows/video");
    refused(&rejected, 429, "rate_limit_exceeded");
    assert!(rejected.header("ratelimit-reset").is_none() && rejected.header("retry-after").is_none());
}
