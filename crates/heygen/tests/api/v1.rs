//! Every call of v1, and the calls that v1 does not have.

use crate::server::{Reply, Server};
use crate::{KEY, key, new_endpoint, v1};
use heygen::Secret;
use heygen::api::{EndpointPatch, EntityKind, EventFilter, Kind, Progress};
use serde_json::{Value, json};

async fn server(status: u16, data: Value) -> Server {
    Server::replying([Reply::json(status, json!({"code": 100, "data": data, "message": null}))]).await
}

fn endpoint() -> Value {
    json!({"endpoint_id": "ep_1", "username": "u", "url": "https://hooks.example.invalid/heygen", "status": "enabled",
           "events": ["avatar_video.fail"], "secret": "whsec_listed", "created_at": "2026-11-21T08:00:00.123"})
}

#[tokio::test]
async fn create_endpoint_sends_no_idempotency_key() {
    let server = server(201, endpoint()).await;
    let created = v1(&server).create_endpoint(&new_endpoint(), Some(&key("create:1"))).await.unwrap();
    assert_eq!(created.secret, Some(Secret::new("whsec_listed").unwrap()));
    let sent = server.only();
    assert_eq!(sent.line, "POST /v1/webhook/endpoint.add");
    assert_eq!(sent.header("x-api-key"), Some(KEY));
    assert_eq!(sent.header("idempotency-key"), None);
    assert_eq!(sent.json(), json!({"url": "https://hooks.example.invalid/heygen"}));
}

#[tokio::test]
async fn a_create_is_not_repeated_although_a_key_was_given() {
    let server = Server::replying([Reply::Drop]).await;
    let error = v1(&server).create_endpoint(&new_endpoint(), Some(&key("create:1"))).await.unwrap_err();
    assert_eq!((error.kind, server.seen().len()), (Kind::Connection, 1));
}

#[tokio::test]
async fn update_endpoint() {
    let server = server(200, endpoint()).await;
    let patch =
        EndpointPatch { url: Some("https://new.example.invalid".into()), events: Some(vec!["batch.finished".into()]) };
    v1(&server).update_endpoint("ep_1", &patch).await.unwrap();
    let sent = server.only();
    assert_eq!(sent.line, "PATCH /v1/webhook/endpoint.update");
    assert_eq!(
        sent.json(),
        json!({"endpoint_id": "ep_1", "url": "https://new.example.invalid", "events": ["batch.finished"]})
    );
}

#[tokio::test]
async fn an_update_without_url_would_change_nothing_and_is_not_sent() {
    let server = server(200, endpoint()).await;
    let patch = EndpointPatch { url: None, events: Some(vec![]) };
    let error = v1(&server).update_endpoint("ep_1", &patch).await.unwrap_err();
    assert_eq!(error.kind, Kind::UrlRequired);
    assert!(error.to_string().contains("pass the URL"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn delete_endpoint() {
    let server = server(200, Value::Null).await;
    v1(&server).delete_endpoint("ep&1").await.unwrap();
    assert_eq!(server.only().line, "DELETE /v1/webhook/endpoint.delete?endpoint_id=ep%261");
}

#[tokio::test]
async fn the_list_shows_secrets() {
    let server = server(200, json!([endpoint()])).await;
    let api = v1(&server);
    let mut pages = api.endpoints();
    let endpoints = pages.next().await.unwrap().unwrap();
    assert_eq!(endpoints[0].secret, Some(Secret::new("whsec_listed").unwrap()));
    assert_eq!(endpoints[0].created_at.as_deref(), Some("2026-11-21T08:00:00.123"));
    assert_eq!(pages.next().await.unwrap(), None);
    assert_eq!(server.only().line, "GET /v1/webhook/endpoint.list");
}

#[tokio::test]
async fn event_types_are_names_alone() {
    let server = server(200, json!(["avatar_video.success", "new"])).await;
    let types = v1(&server).event_types().all().await.unwrap();
    assert_eq!(server.only().line, "GET /v1/webhook/webhook.list");
    assert_eq!(types.iter().map(|info| info.event_type.as_str()).collect::<Vec<_>>(), ["avatar_video.success", "new"]);
    assert_eq!(types[0].description, None);
}

#[tokio::test]
async fn video() {
    let server = server(
        200,
        json!({"id": "vid_1", "status": "failed", "callback_id": "order_1", "video_url": null, "duration": 0,
               "error": {"code": 40119, "message": "Insufficient credit", "detail": "…"}}),
    )
    .await;
    let video = v1(&server).entity(EntityKind::Video, "vid_1").await.unwrap();
    assert_eq!(server.only().line, "GET /v1/video_status.get?video_id=vid_1");
    assert_eq!((video.progress, video.callback_id.as_deref()), (Some(Progress::Failed), Some("order_1")));
    let failure = video.failure.unwrap();
    assert_eq!((failure.code.as_deref(), failure.message.as_deref()), (Some("40119"), Some("Insufficient credit")));
}

#[tokio::test]
async fn calls_that_v1_does_not_have_are_errors_and_not_sent() {
    let server = server(200, Value::Null).await;
    let api = v1(&server);
    let errors = [
        api.rotate_secret("ep_1", Some(&key("k"))).await.unwrap_err(),
        api.delivered_events(&EventFilter::default()).err().unwrap(),
        api.entity_states(EntityKind::Video, &["v"]).await.unwrap_err(),
        api.entity(EntityKind::VideoTranslation, "t").await.unwrap_err(),
        api.entities(EntityKind::Video).err().unwrap(),
        api.account().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind, error.attempts), (Kind::Unsupported, 0));
        assert!(error.to_string().contains("does not have this call: use the other version"), "{error}");
    }
    assert!(server.seen().is_empty());
}
