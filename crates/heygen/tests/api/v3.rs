//! Every call of v3: the request, and what is read from the documented response.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use crate::server::{Reply, Server};
use crate::{KEY, config, key, new_endpoint, v3};
use heygen::api::{
    Api, ApiVersion, Credential, EndpointPatch, EndpointStatus, EntityKind, EventFilter, Kind, NewEndpoint,
};
use heygen::{EventType, Secret};
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
    assert_eq!(events[0].created().unwrap().unix_timestamp(), 1_795_248_000);
    assert_eq!(events[1].created(), None);
    assert_eq!(events[0].data, data);
    assert_eq!((events[1].id.as_deref(), &events[1].data), (None, &Value::Null));

    let delivery = heygen::Verified::assume_authentic(
        br#"{"event_type": "avatar_video.success", "event_data": {"callback_id": "order_1", "video_id": "vid_1"}}"#
            .to_vec(),
    );
    let (listed, delivered) = (events[0].to_verified(), heygen::read(&delivery));
    assert_eq!(heygen::read(&listed).identity, delivered.identity, "listed and delivered are one event");
}

#[tokio::test]
async fn delivered_events_without_a_filter() {
    let server = server(json!([])).await;
    assert_eq!(v3(&server).delivered_events(&EventFilter::default()).unwrap().all().await.unwrap(), []);
    assert_eq!(server.only().line, "GET /v3/webhooks/events?limit=100");
}

#[tokio::test]
async fn an_id_that_would_change_the_path_is_not_sent() {
    let server = server(json!({})).await;
    let api = v3(&server);
    for id in ["", ".", "..", "a b", "a\n", "a,b"] {
        assert_eq!(api.delete_endpoint(id).await.unwrap_err().kind, Kind::InvalidId, "{id:?}");
        assert_eq!(api.entity_states(EntityKind::Video, &["v", id]).await.unwrap_err().kind, Kind::InvalidId, "{id:?}");
        assert_eq!(api.entity(EntityKind::Video, id).await.unwrap_err().attempts, 0, "{id:?}");
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
    is_send(&api.entity_states(EntityKind::Video, &["v"]));
    is_send(&api);
}
