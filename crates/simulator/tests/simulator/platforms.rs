//! What the platforms beside HeyGen have in common.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{
    Change, Disturbance, Ends, Fault, JobOutcome, Options, Platform, PlatformChange, Product, Progress, Receiver,
    Remote, RetryAfter, StartJob, When,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A path that each platform knows.
const LISTS: [(Platform, &str); 4] = [
    (Platform::Synthesia, "/v2/videos"),
    (Platform::ElevenLabs, "/v1/flows/video"),
    (Platform::Tavus, "/v2/videos"),
    (Platform::Did, "/talks"),
];

/// The path of a job's look-up.
fn path(product: Product, id: &str) -> String {
    let path = match product {
        Product::ElevenLabsImage => "/v1/flows/image",
        Product::SynthesiaVideo | Product::TavusVideo => "/v2/videos",
        Product::ElevenLabsVideo => "/v1/flows/video",
        Product::ElevenLabsSpeech => "/v1/flows/text-to-speech",
        Product::TavusReplica => "/v2/replicas",
        Product::TavusConversation => "/v2/conversations",
        Product::DidTalk => "/talks",
        Product::DidClip => "/clips",
        Product::DidAnimation => "/animations",
        Product::DidScene => "/scenes",
    };
    format!("{path}/{id}")
}

#[test]
fn calls_are_counted_at_their_own_platform() {
    let api = api();
    for (platform, path) in LISTS {
        assert_eq!(api.get_at(platform, path).status, 200, "{platform}");
        assert_eq!(api.get_at(platform, "/v3/videos").status, 404, "{platform} is not HeyGen");
        let calls: Vec<_> = api.api(platform).calls().into_iter().map(|call| (call.path, call.status)).collect();
        assert_eq!(calls, [(path.to_owned(), Some(200)), ("/v3/videos".to_owned(), Some(404))]);
    }
    assert!(api.calls().is_empty(), "none was HeyGen's");
    assert_eq!(api.get("/synthesia").status, 404);
    assert_eq!(api.get("/synthesiav2/videos").status, 404);
    assert_eq!(api.calls().len(), 2);
}

#[test]
fn each_platform_has_a_key_of_its_own() {
    let api = api();
    let keys: BTreeSet<_> = Platform::ALL.into_iter().map(|platform| api.api(platform).access().api_key).collect();
    assert_eq!(keys.len(), Platform::ALL.len());
    assert!(keys.iter().all(|key| !format!("{:?}", Options::default()).contains(key)));
}

#[test]
fn faults_apply_to_every_platform_in_its_own_format() {
    let api = api();
    for (platform, path) in LISTS {
        let site = api.api(platform);
        site.inject(When::Nth(1), Fault::rate_limited(RetryAfter::Seconds(7)));
        let limited = api.get_at(platform, path);
        assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
        let body = limited.json();
        let shape = match platform {
            Platform::Synthesia => &body["error"],
            Platform::ElevenLabs => &body["detail"]["message"],
            Platform::Tavus => &body["message"],
            _ => &body["description"],
        };
        assert_eq!(shape, "Injected by the test");
        site.inject(When::Next("GET", path), Fault::Gateway(502));
        assert_eq!(api.get_at(platform, path).status, 502);
        site.inject(When::Next("GET", path), Fault::DropRequest);
        let access = site.access();
        assert!(api.http.get(&format!("{}{path}", access.url)).is_err());
        site.inject(When::Next("GET", path), Fault::edit(|status, body| (*status, *body) = (200, json!("odd"))));
        assert_eq!(api.get_at(platform, path).json(), json!("odd"));
        assert_eq!(api.get_at(platform, path).status, 200);
    }
}

#[test]
fn every_kind_of_job_is_started_ended_and_forgotten() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    for product in Product::ALL {
        assert_eq!(Product::named(product.name()), Some(product));
        let kind = product.calling(receiver.url());
        assert_eq!(kind.name(), product.name());
        assert!(!format!("{kind:?}").contains(&receiver.url()), "it may hold a token");
        let id = api.start_job(kind, Some("order_1"), JobOutcome::Succeeds);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        assert!(id.bytes().all(plain), "{id}");
        api.wait_until_delivered(TIMEOUT).unwrap();
        let platform = product.platform();
        let reported: Vec<_> = api.deliveries().into_iter().filter(|one| one.endpoint_id == id).collect();
        assert_eq!(!reported.is_empty(), platform.takes_callback_urls());
        assert!(reported.iter().all(|one| one.platform == platform && one.progress == Progress::Delivered));
        let path = path(product, &id);
        assert_eq!(api.get_at(product.platform(), &path).status, 200, "{path}");
        assert!(api.forget(&id) && !api.forget(&id));
        assert_eq!(api.get_at(product.platform(), &path).status, 404, "{path}");
    }
    let running = api.start_job(Product::DidTalk.calling(receiver.url()), None, JobOutcome::NeverEnds);
    let before = receiver.deliveries().len();
    assert!(api.forget(&running) && !api.end_job(&running, JobOutcome::Succeeds, None));
    assert_eq!(receiver.deliveries().len(), before);
    assert_eq!(ok(&api.get("/v3/videos"))["data"], json!([]), "HeyGen knows none of them");
    assert_eq!(ok(&api.get("/v3/webhooks/events"))["data"], json!([]));
}

/// The names of all fields, with those inside others as `data.id`.
fn names(value: &Value, prefix: &str) -> BTreeSet<String> {
    let fields = value.as_object().into_iter().flatten();
    let inner = |(name, value): (&String, &Value)| {
        let name = format!("{prefix}{name}");
        let mut names = names(value, &format!("{name}."));
        names.insert(name);
        names
    };
    fields.flat_map(inner).collect()
}

#[test]
fn the_events_have_the_fields_of_the_documented_samples() {
    let receiver = Receiver::start().unwrap();
    let api = patient();
    api.api(Platform::Synthesia).register(receiver.url(), &["video.completed", "video.failed"]);
    api.api(Platform::ElevenLabs).register(receiver.url(), &["flows"]);
    let fails = || JobOutcome::Fails("why".to_owned());
    let event = |product: Product, fields: Value, outcome: JobOutcome| {
        let (path, method) = (path(product, ""), "POST");
        let created = api.at(product.platform(), method, path.trim_end_matches('/'), fields).json();
        let id = ["id", "video_id", "replica_id", "conversation_id"].iter().find_map(|name| created[*name].as_str());
        receiver.respond_next(200);
        assert!(api.end_job(id.unwrap(), outcome, None), "{created}");
        api.wait_until_delivered(TIMEOUT).unwrap();
        bodies(&receiver).pop().unwrap()
    };
    let synthesia = json!({"input": [{}], "callbackId": "order_77"});
    let flow = json!({"model_id": "veo", "webhook": {"type": "all"}});
    let tavus = json!({"replica_id": "r", "script": "Hello.", "callback_url": receiver.url()});
    let talk =
        json!({"script": {}, "source_url": "https://a.example.com", "user_data": "o", "webhook": receiver.url()});
    for (event, sample) in [
        (event(Product::SynthesiaVideo, synthesia.clone(), JobOutcome::Succeeds), COMPLETED),
        (event(Product::SynthesiaVideo, synthesia, fails()), FAILED),
        (event(Product::ElevenLabsVideo, flow.clone(), JobOutcome::Succeeds), GENERATION),
        (event(Product::ElevenLabsImage, flow, fails()), FAILED_GENERATION),
        (event(Product::TavusVideo, tavus.clone(), JobOutcome::Succeeds), READY),
        (event(Product::TavusVideo, tavus, fails()), ERROR),
        (event(Product::DidTalk, talk, JobOutcome::Succeeds), DONE),
    ] {
        let sample: Value = serde_json::from_str(sample).unwrap();
        let (is, should) = (names(&event, ""), names(&sample, ""));
        assert_eq!(is.symmetric_difference(&should).collect::<Vec<_>>(), Vec::<&String>::new(), "{event}");
        for (name, value) in event.as_object().unwrap() {
            let is_of_type = std::mem::discriminant(value) == std::mem::discriminant(&sample[name]);
            assert!(is_of_type, "{name}: {value}");
        }
    }
}

const COMPLETED: &str = r#"{"type": "video.completed",
    "data": {"id": "1f0c7a1e", "title": "Welcome", "description": "", "visibility": "private", "status": "complete",
    "callbackId": "order_77", "createdAt": 1760000000, "lastUpdatedAt": 1760000300, "duration": "0:00:42.500000",
    "download": "https://files.example.invalid/1f0c.mp4?sig=x",
    "captions": {"srt": "https://files.example.invalid/1f0c.srt", "vtt": "https://files.example.invalid/1f0c.vtt"},
    "thumbnail": {"image": "https://files.example.invalid/1f0c.jpg", "gif": "https://files.example.invalid/1f0c.gif"}}}"#;
const FAILED: &str = r#"{"type": "video.failed",
    "data": {"id": "1f0c7a1e", "title": "Welcome", "description": "", "status": "error", "createdAt": 1760000000,
    "message": "The script was rejected."}}"#;
const GENERATION: &str = r#"{"type": "flows_generation", "event_timestamp": 1760000000,
    "data": {"id": "gen_1", "status": "completed", "content_url": "https://files.example.invalid/g.mp4",
    "content_mime_type": "video/mp4"}}"#;
const FAILED_GENERATION: &str = r#"{"type": "flows_generation", "event_timestamp": 1760000000,
    "data": {"id": "gen_2", "status": "failed", "failure_reason": "moderated", "error_message": "It was refused."}}"#;
const READY: &str = r#"{"video_id": "vid1a2b3c", "video_name": "order_80", "status": "ready",
    "status_details": "Finished.", "generation_progress": "100/100", "replica_id": "r1a2b3c",
    "data": {"script": "Hello."}, "download_url": "https://stream.example.invalid/high.mp4",
    "stream_url": "https://stream.example.invalid/v.m3u8", "hosted_url": "https://videos.example.invalid/video/v",
    "created_at": "2026-10-01 09:00:00.123456", "updated_at": "2026-10-01 09:02:00.654321"}"#;
const ERROR: &str = r#"{"video_id": "vid1a2b3d", "video_name": "order_81", "status": "error",
    "status_details": "It could not be spoken.", "error_details": null, "generation_progress": "0/100",
    "replica_id": "r1a2b3c", "data": {"script": "Hello."}, "download_url": null, "stream_url": null,
    "hosted_url": "https://videos.example.invalid/video/v", "created_at": "2026-10-01 09:10:00.123456",
    "updated_at": "2026-10-01 09:12:00.654321"}"#;
const DONE: &str = r#"{"id": "tlk_A1b2C3", "user_id": "u1", "status": "done", "source_url": "https://a.example.invalid",
    "audio_url": "https://files.example.invalid/a.wav", "created_at": "2026-10-01T10:00:00.000Z",
    "started_at": "2026-10-01T10:00:01.000Z", "modified_at": "2026-10-01T10:00:30.000Z", "duration": 2,
    "user_data": "order_90", "webhook": "https://hooks.example.invalid/x",
    "result_url": "https://files.example.invalid/r.mp4?Expires=1760086400&Signature=x"}"#;

#[test]
fn a_job_can_have_ended_long_ago_with_its_event_lost() {
    let api = api();
    let hour = Duration::from_hours(1);
    let job = StartJob {
        callback_id: Some("order_1".to_owned()),
        disturbance: Some(Disturbance::Lost),
        ..StartJob::ended(Product::SynthesiaVideo.into(), JobOutcome::Succeeds, hour)
    };
    let id = api.start_jobs(vec![job]).concat();
    let video = ok(&api.get_at(Platform::Synthesia, &path(Product::SynthesiaVideo, &id)));
    let age = api.now().unix_timestamp() - video["lastUpdatedAt"].as_i64().unwrap();
    assert!(video["status"] == "complete" && (3600..3660).contains(&age), "{age}");
}

#[test]
fn links_live_as_long_as_their_platform_says_from_the_next_answer_on() {
    let api = api();
    for (product, link) in [
        (Product::SynthesiaVideo, "download"),
        (Product::ElevenLabsVideo, "content_url"),
        (Product::TavusVideo, "download_url"),
        (Product::DidTalk, "result_url"),
    ] {
        let id = api.start_job(product.into(), None, JobOutcome::Succeeds);
        api.wait_until_delivered(TIMEOUT).unwrap();
        let fresh = || ok(&api.get_at(product.platform(), &path(product, &id)))[link].as_str().unwrap().to_owned();
        let long = fresh();
        api.api(product.platform()).set_link_lifetime(Duration::from_secs(1));
        let short = fresh();
        api.advance(Duration::from_secs(2));
        let status = |link: &str| api.http.get(link).unwrap().status;
        assert_eq!([status(&long), status(&short), status(&fresh())], [200, 403, 200], "{product:?}");
    }
}

#[test]
fn another_process_controls_every_platform() {
    let receiver = Receiver::start().unwrap();
    let api = api();
    let remote = Remote::new(api.access());
    let running = |product: Product| StartJob {
        kind: product.calling(receiver.url()),
        callback_id: Some("order_1".to_owned()),
        callback_url: None,
        outcome: JobOutcome::NeverEnds,
        ends: Ends::After(Duration::ZERO),
        disturbance: None,
    };
    let id = remote.start_jobs(&[running(Product::DidTalk)]).unwrap().concat();
    assert_eq!(remote.platform(Platform::Did).unwrap(), api.api(Platform::Did).access());
    remote.end_job(&id, &JobOutcome::IsRejected("why".into()), Some(Disturbance::Twice)).unwrap();
    assert!(remote.end_job(&id, &JobOutcome::Succeeds, None).is_err(), "it ends once");
    remote.wait_until_settled(TIMEOUT).unwrap();
    let callbacks = bodies(&receiver);
    assert_eq!(callbacks.len(), 2);
    assert_eq!((&callbacks[0]["status"], &callbacks[0]["user_data"]), (&json!("rejected"), &json!("order_1")));

    remote.emit_from(Platform::Tavus, Some(&receiver.url()), b"odd", None).unwrap();
    remote.wait_until_settled(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries()[2].body, b"odd");
    let webhook = api.api(Platform::Synthesia).register(receiver.url(), &["video.failed"]);
    let failed = br#"{"type": "video.failed"}"#;
    remote.emit_from(Platform::Synthesia, None, failed, Some(Disturbance::Lost)).unwrap();
    remote.emit_from(Platform::Synthesia, None, failed, None).unwrap();
    let deliveries = remote.wait_until_settled(TIMEOUT).unwrap();
    let last: Vec<_> = deliveries.iter().rev().take(2).map(|one| (one.endpoint_id.as_str(), one.progress)).collect();
    assert_eq!(last, [(webhook.as_str(), Progress::Delivered), (webhook.as_str(), Progress::Lost)]);
    let seen = remote.webhooks(Platform::Synthesia).unwrap();
    assert_eq!((seen[0].endpoint_id.as_str(), seen[0].enabled), (webhook.as_str(), true));

    let change = PlatformChange {
        gets_per_minute: Some(1),
        created_jobs: Some(JobOutcome::Fails("why".into())),
        link_lifetime_seconds: Some(5),
    };
    let platforms = BTreeMap::from([(Platform::Tavus, change)]);
    remote.change(&Change { platforms, ..Change::default() }).unwrap();
    let body = json!({"replica_id": "r", "script": "x", "callback_url": receiver.url()});
    api.at(Platform::Tavus, "POST", "/v2/videos", body);
    wait_for("the callback", || bodies_end_with(&receiver, "error"));
    assert_eq!(
        [api.get_at(Platform::Tavus, "/v2/videos").status, api.get_at(Platform::Tavus, "/v2/videos").status],
        [200, 429]
    );
    let calls = remote.calls(Platform::Tavus).unwrap();
    assert_eq!(calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), ["POST", "GET", "GET"]);
    assert_eq!(calls, api.api(Platform::Tavus).calls());
    assert_eq!(api.get("/_simulator/platforms/unheard_of").status, 400);
    let signed = json!([{"kind": "synthesia.video", "outcome": "succeeds", "milliseconds": 1, "callback_url": "x"}]);
    rejected(&api.call("POST", "/_simulator/jobs", signed), 400, "invalid_parameter");
}

fn bodies_end_with(receiver: &Receiver, status: &str) -> bool {
    let last = receiver.deliveries().pop().map(|request| request.body).unwrap_or_default();
    serde_json::from_slice::<Value>(&last).unwrap_or_default()["status"] == status
}

#[test]
fn a_page_of_a_list_can_be_made_small_whatever_is_asked_for() {
    let mut options = Options::default();
    for platform in [&mut options.synthesia, &mut options.elevenlabs, &mut options.did] {
        platform.largest_page = 2;
    }
    let api = Api::start(options);
    for (product, path, list, next) in [
        (Product::SynthesiaVideo, "/v2/videos?limit=100", "videos", "nextOffset"),
        (Product::ElevenLabsVideo, "/v1/flows/video?page_size=100", "generations", "next_cursor"),
        (Product::DidTalk, "/talks?limit=100", "talks", "token"),
    ] {
        (0..3).for_each(|_| drop(api.start_job(product.into(), None, JobOutcome::NeverEnds)));
        let page = ok(&api.get_at(product.platform(), path));
        assert_eq!((page[list].as_array().unwrap().len(), page[next].is_null()), (2, false), "{page}");
    }
}
