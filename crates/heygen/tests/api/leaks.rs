//! The credential, secrets and the bodies of responses are never shown.

use crate::server::{Reply, Server};
use crate::{KEY, config, key, new_endpoint, v3};
use heygen::api::{Api, ApiVersion, Credential, EntityKind, EventFilter};
use serde_json::json;
use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Everything that was logged, by us and by the libraries below.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}\n")
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).init();
    let mut text = String::new();

    // Successful responses: secrets, links, titles, failures.
    let link = "https://files.example.invalid/canary_link?Signature=canary_link";
    let endpoint = json!({"endpoint_id": "ep_1", "url": "https://x.invalid", "secret": "whsec_canary"});
    let failed = json!({"code": "canary_failure", "message": "canary_failure"});
    let video = json!({"id": "v", "video_id": "v", "video_url": link, "status": "failed", "title": "canary_title",
                       "error": failed});
    let event = json!({"event_type": "a", "event_data": {"url": link}});
    let server = Server::start(move |request| {
        let data = match request.line.as_str() {
            "POST /v3/webhooks/endpoints/ep_1/rotate-secret" | "POST /v3/webhooks/endpoints" => endpoint.clone(),
            "GET /v3/webhooks/endpoints?limit=100" => json!([endpoint]),
            "GET /v3/webhooks/events?limit=100" => json!([event]),
            "GET /v3/videos/statuses?video_ids=v" | "GET /v3/videos?limit=100" => json!([video]),
            "GET /v3/users/me" => {
                json!({"username": "canary_name", "email": "canary@x.invalid", "billing_type": "wallet"})
            }
            _ => video.clone(),
        };
        Reply::json(200, json!({"data": data}))
    })
    .await;
    let api = v3(&server);
    text += &shown(&api);
    text += &shown(&config(ApiVersion::V3, &server.url));
    text += &shown(&Credential::Bearer(KEY.into()));
    text += &shown(&api.create_endpoint(&new_endpoint(), Some(&key("k"))).await.unwrap());
    text += &shown(&api.rotate_secret("ep_1", Some(&key("k"))).await.unwrap());
    text += &shown(&api.endpoints().all().await.unwrap());
    let events = api.delivered_events(&EventFilter::default()).unwrap().all().await.unwrap();
    text += &shown(&events);
    text += &shown(&events[0].to_verified());
    text += &shown(&api.entity(EntityKind::Video, "v").await.unwrap());
    let videos = api.entities(EntityKind::Video).unwrap().all().await.unwrap();
    text += &shown(&videos);
    text += &shown(&videos[0].to_verified("avatar_video").unwrap());
    text += &shown(&api.entity_states(EntityKind::Video, &["v"]).await.unwrap());
    text += &shown(&api.account().await.unwrap());

    // Errors: HeyGen and gateways may quote anything that they know.
    let quote = format!("no key {KEY}");
    let json = "Content-Type: application/json\r\n".to_owned();
    let replies = [
        Reply::json(429, json!({"error": {"code": KEY, "message": quote, "param": "canary_param"}})),
        Reply::json(400, json!({"error": {"code": "whsec_canary", "message": format!("bad whsec_canary {link}")}})),
        Reply::json(400, json!({"code": 400_542, "data": "canary_body", "message": quote})),
        Reply::json(500, json!({"canary_body": "canary_body"})).header("X-Request-Id", KEY),
        Reply::json(200, json!({"data": "canary_body", "secret": "whsec_canary"})),
        Reply::Response(502, format!("Content-Type: {KEY}\r\n"), b"<html>canary_body".to_vec()),
        Reply::Response(200, json.clone(), b"{\"canary_body\":".to_vec()),
        Reply::Response(302, format!("Location: {link}\r\n"), b"canary_body".to_vec()),
        Reply::Drop,
        Reply::Cut(200),
    ];
    for reply in replies {
        let server = Server::replying([reply]).await;
        for credential in [Credential::ApiKey(KEY.into()), Credential::Bearer(KEY.into())] {
            let mut config = config(ApiVersion::V3, &server.url);
            config.credential = credential;
            let api = Api::new(&config).unwrap();
            let error = api.create_endpoint(&new_endpoint(), Some(&key("k"))).await.unwrap_err();
            text += &format!("{error}\n{}", shown(&error));
            let error = api.endpoints().all().await.unwrap_err();
            text += &format!("{error}\n{}", shown(&error));
        }
    }
    let mut config = config(ApiVersion::V3, &server.url);
    config.credential = Credential::ApiKey(format!("{KEY}\n"));
    let error = Api::new(&config).unwrap_err();
    text += &format!("{error}\n{}", shown(&error));

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("retrying a call of HeyGen's API"), "the crate's log is searched");
    assert!(logged.contains("starting new connection"), "the libraries' log is searched");
    assert!(text.contains("heygen:CreateEndpoint failed"), "errors are searched");
    for (place, searched) in [("log", &logged), ("Debug or Display", &text)] {
        let leak = searched.lines().find(|line| line.contains("canary"));
        assert_eq!(leak, None, "in {place}");
    }
}
