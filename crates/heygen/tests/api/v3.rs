//! Every call of v3: the request, and what is read from the documented response.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use crate::server::{Reply, Server};
use crate::{KEY, config, key, new_endpoint, v3};
use heygen::api::{
    Api, ApiVersion, Credential, EndpointPatch, EndpointStatus, EventFilter, Kind, NewEndpoint, Progress,
};
use heygen::{Event, EventType, Secret};
use serde_json::{Value, json};

async fn server(data: Value) -> Server {
    Server::replying([Reply::json(200, json!({"data": data}))]).await
}

fn endpoint() -> Value {
    json!({"endpoint_id": "ep_1", "url": "https://hooks.example.invalid/heygen", "status": "enabled",
           "created_at": "2026-11-21T08:00:00Z", "events": null, "secret": null})
}

#[tokio::test]
async fn create_endpoint() {
    let mut response = endpoint();
    response["secret"] = json!("whsec_new");
    response["events"] = json!(["avatar_video.success"]);
    let server = server(response).await;
    let endpoint = NewEndpoint {
        events: Some(vec!["avatar_video.success".into()]),
        entity_id: Some("vid_1".into()),
        ..new_endpoint()
    };
    let created = v3(&server).create_endpoint(&endpoint, Some(&key("create:1"))).await.unwrap();
    assert_eq!(created.id, "ep_1");
    assert_eq!(created.url, "https://hooks.example.invalid/heygen");
    assert_eq!(created.status, Some(EndpointStatus::Enabled));
    assert_eq!(created.events, Some(vec!["avatar_video.success".to_owned()]));
    assert_eq!(created.created_at.as_deref(), Some("2026-11-21T08:00:00Z"));
    assert_eq!(created.secret, Some(Secret::new("whsec_new").unwrap()));

    let sent = server.only();
    assert_eq!(sent.line, "POST /v3/webhooks/endpoints");
    assert_eq!(sent.header("x-api-key"), Some(KEY));
    assert_eq!(sent.header("authorization"), None);
    assert_eq!(sent.header("idempotency-key"), Some("create:1"));
    assert!(sent.header("user-agent").unwrap().starts_with("heygen-webhooks/"));
    assert_eq!(sent.json(), json!({"url": endpoint.url, "events": ["avatar_video.success"], "entity_id": "vid_1"}));
}

#[tokio::test]
async fn absent_fields_are_not_sent() {
    let server = server(endpoint()).await;
    v3(&server).create_endpoint(&new_endpoint(), None).await.unwrap();
    let sent = server.only();
    assert_eq!(sent.json(), json!({"url": "https://hooks.example.invalid/heygen"}));
    assert_eq!(sent.header("idempotency-key"), None);
}

#[tokio::test]
async fn a_bearer_token_and_a_base_path() {
    let server = server(json!([])).await;
    let mut config = config(ApiVersion::V3, &server.url);
    config.credential = Credential::Bearer("token".into());
    config.base_url += "/heygen/";
    Api::new(&config).unwrap().event_types().all().await.unwrap();
    let sent = server.only();
    assert_eq!(sent.line, "GET /heygen/v3/webhooks/event-types");
    assert_eq!(sent.header("authorization"), Some("Bearer token"));
    assert_eq!(sent.header("x-api-key"), None);
}

#[tokio::test]
async fn update_endpoint() {
    let server = server(endpoint()).await;
    let api = v3(&server);
    let events = EndpointPatch { events: Some(vec!["batch.finished".into()]), url: None };
    let updated = api.update_endpoint("ep_1", &events).await.unwrap();
    assert_eq!((updated.events, updated.secret), (None, None));
    let url = EndpointPatch { url: Some("https://new.example.invalid".into()), events: None };
    api.update_endpoint("ep/1 ?", &url).await.unwrap_err();
    api.update_endpoint("ep/1?", &url).await.unwrap();
    let seen = server.seen();
    assert_eq!(server.lines(), ["PATCH /v3/webhooks/endpoints/ep_1", "PATCH /v3/webhooks/endpoints/ep%2F1%3F"]);
    assert_eq!(seen[0].json(), json!({"events": ["batch.finished"]}));
    assert_eq!(seen[1].json(), json!({"url": "https://new.example.invalid"}));
}

#[tokio::test]
async fn delete_endpoint() {
    for response in [Reply::json(200, json!({"data": {}})), Reply::Response(204, String::new(), Vec::new())] {
        let server = Server::replying([response]).await;
        v3(&server).delete_endpoint("ep_1").await.unwrap();
        assert_eq!(server.only().line, "DELETE /v3/webhooks/endpoints/ep_1");
        assert_eq!(server.only().body, "");
    }
}

#[tokio::test]
async fn rotate_secret() {
    let server = server(json!({"endpoint_id": "ep_1", "secret": "whsec_next"})).await;
    let secret = v3(&server).rotate_secret("ep_1", Some(&key("rotate:1"))).await.unwrap();
    assert_eq!(secret, Secret::new("whsec_next").unwrap());
    let sent = server.only();
    assert_eq!(sent.line, "POST /v3/webhooks/endpoints/ep_1/rotate-secret");
    assert_eq!(sent.header("idempotency-key"), Some("rotate:1"));
    assert_eq!(sent.body, "");
}

#[tokio::test]
async fn the_secret_of_another_endpoint_is_rejected() {
    let server = server(json!({"endpoint_id": "ep_2", "secret": "whsec_other"})).await;
    let error = v3(&server).rotate_secret("ep_1", Some(&key("used"))).await.unwrap_err();
    assert_eq!(error.kind, Kind::KeyReused);
}

#[tokio::test]
async fn endpoints() {
    let odd = json!({"endpoint_id": "ep_2", "url": "https://b.invalid", "status": "paused", "events": [], "new": 1});
    let server = server(json!([endpoint(), odd])).await;
    let endpoints = v3(&server).endpoints().all().await.unwrap();
    assert_eq!(server.only().line, "GET /v3/webhooks/endpoints?limit=100");
    assert_eq!(endpoints[0].secret, None);
    assert_eq!(endpoints[1].status, Some(EndpointStatus::Other("paused".into())));
    assert_eq!((endpoints[1].events.as_deref(), endpoints[1].created_at.as_deref()), (Some(&[][..]), None));
}

#[tokio::test]
async fn event_types() {
    let server =
        server(json!([{"event_type": "avatar_video.success", "description": "done"}, {"event_type": "new"}])).await;
    let types = v3(&server).event_types().all().await.unwrap();
    assert_eq!(server.only().line, "GET /v3/webhooks/event-types");
    assert_eq!(types[0].event_type, EventType::new("avatar_video.success"));
    assert_eq!(types[0].description.as_deref(), Some("done"));
    assert_eq!((types[1].event_type.as_str(), types[1].description.as_deref()), ("new", None));
}

#[tokio::test]
async fn delivered_events() {
    let data = json!({"video_id": "vid_1", "callback_id": "order_1"});
    let server = server(json!([
        {"event_id": "ev_1", "event_type": "avatar_video.success", "event_data": data, "created_at": "2026-11-21T08:00:00Z"},
        {"event_type": "batch.finished"},
    ]))
    .await;
    let filter = EventFilter { event_type: Some(EventType::new("a&b")), entity_id: Some("vid_1".into()) };
    let events = v3(&server).delivered_events(&filter).unwrap().all().await.unwrap();
    assert_eq!(server.only().line, "GET /v3/webhooks/events?event_type=a%26b&entity_id=vid_1&limit=100");
    assert_eq!(events[0].id.as_deref(), Some("ev_1"));
    assert_eq!(events[0].created_at.as_deref(), Some("2026-11-21T08:00:00Z"));
    assert_eq!(events[0].data, data);
    assert_eq!((events[1].id.as_deref(), &events[1].data), (None, &Value::Null));

    let delivery = heygen::Verified::assume_authentic(
        br#"{"event_type": "avatar_video.success", "event_data": {"callback_id": "order_1", "video_id": "vid_1"}}"#
            .to_vec(),
    );
    let (listed, delivered) = (events[0].to_verified(), Event::read(&delivery));
    assert_eq!(Event::read(&listed).identity, delivered.identity, "listed and delivered are one event");
}

#[tokio::test]
async fn delivered_events_without_a_filter() {
    let server = server(json!([])).await;
    assert_eq!(v3(&server).delivered_events(&EventFilter::default()).unwrap().all().await.unwrap(), []);
    assert_eq!(server.only().line, "GET /v3/webhooks/events?limit=100");
}

#[tokio::test]
async fn video() {
    let server = server(json!({
        "id": "vid_1", "status": "completed", "title": "Hello", "created_at": 1_795_000_000, "completed_at": 1_795_000_100,
        "video_url": "https://files.example.invalid/v.mp4", "captioned_video_url": null, "gif_url": "",
        "thumbnail_url": "https://files.example.invalid/t.jpg", "duration": 12.5, "folder_id": "f_1",
        "failure_code": null, "failure_message": null,
    }))
    .await;
    let video = v3(&server).video("vid_1").await.unwrap();
    assert_eq!(server.only().line, "GET /v3/videos/vid_1");
    assert_eq!((video.id.as_str(), video.title.as_deref()), ("vid_1", Some("Hello")));
    assert_eq!((video.progress, video.callback_id, video.failure), (Some(Progress::Completed), None, None));
    assert_eq!((video.created_at.as_deref(), video.completed_at.as_deref()), (Some("1795000000"), Some("1795000100")));
    assert_eq!(video.links.keys().collect::<Vec<_>>(), ["thumbnail", "video"]);
    assert_eq!((video.duration, video.folder_id.as_deref()), (Some(12.5), Some("f_1")));
}

#[tokio::test]
async fn a_failed_video_has_a_reason() {
    let server =
        server(json!({"id": "v", "status": "failed", "failure_code": "moderation", "failure_message": "no"})).await;
    let failure = v3(&server).video("v").await.unwrap().failure.unwrap();
    assert_eq!((failure.code.as_deref(), failure.message.as_deref()), (Some("moderation"), Some("no")));
}

#[tokio::test]
async fn video_translation() {
    let server =
        server(json!({"id": "tr_1", "status": "running", "callback_id": "order_1", "output_language": "de"})).await;
    let translation = v3(&server).video_translation("tr_1").await.unwrap();
    assert_eq!(server.only().line, "GET /v3/video-translations/tr_1");
    assert_eq!(translation.progress, Some(Progress::Running));
    assert_eq!(translation.callback_id.as_deref(), Some("order_1"));
    assert_eq!(translation.output_language.as_deref(), Some("de"));
}

#[tokio::test]
async fn video_statuses_are_requested_in_chunks_of_100() {
    let server = Server::start(|request| {
        let ids = request.line.split_once("video_ids=").unwrap().1.split("%2C");
        let states: Vec<_> = ids.map(|id| json!({"video_id": id, "status": "queued"})).collect();
        Reply::json(200, json!({"data": states, "has_more": false, "next_token": null}))
    })
    .await;
    let ids: Vec<_> = (0..201).map(|number| format!("v{number}")).collect();
    let states = v3(&server).video_statuses(&ids).await.unwrap();
    assert_eq!(states.iter().map(|state| &state.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    assert_eq!(server.seen().len(), 3);
    assert_eq!(server.lines()[2], "GET /v3/videos/statuses?video_ids=v200");
    assert_eq!(v3(&server).video_statuses::<&str>(&[]).await.unwrap(), []);
    assert_eq!(server.seen().len(), 3, "nothing to ask");
}

#[tokio::test]
async fn every_status_is_kept() {
    let words = ["waiting", "pending", "queued", "processing", "running", "completed", "failed", "not_found", "new"];
    let states: Vec<_> = words.iter().map(|word| json!({"video_id": "v", "status": word, "error": "why"})).collect();
    let states = v3(&server(json!(states)).await).video_statuses(&["v"]).await.unwrap();
    let progress: Vec<_> = states.iter().map(|state| state.progress.clone().unwrap()).collect();
    use Progress::{Completed, Failed, NotFound, Other, Pending, Processing, Queued, Running, Waiting};
    let new = Other("new".into());
    assert_eq!(progress, [Waiting, Pending, Queued, Processing, Running, Completed, Failed, NotFound, new]);
    assert_eq!(states[0].failure.as_ref().unwrap().message.as_deref(), Some("why"));
}

#[tokio::test]
async fn an_id_that_would_change_the_path_is_not_sent() {
    let server = server(json!({})).await;
    let api = v3(&server);
    for id in ["", ".", "..", "a b", "a\n", "a,b"] {
        assert_eq!(api.delete_endpoint(id).await.unwrap_err().kind, Kind::InvalidId, "{id:?}");
        assert_eq!(api.video_statuses(&["v", id]).await.unwrap_err().kind, Kind::InvalidId, "{id:?}");
        assert_eq!(api.video(id).await.unwrap_err().attempts, 0, "{id:?}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn a_call_can_be_made_from_any_thread() {
    fn is_send<T: Send>(_: &T) {}
    let config = heygen::api::ApiConfig::new(ApiVersion::V3, Credential::ApiKey("key".into()));
    let api = Api::new(&config).unwrap();
    is_send(&api.create_endpoint(&new_endpoint(), None));
    is_send(&api.endpoints().next());
    is_send(&api.video_statuses(&["v"]));
    is_send(&api);
}
