//! What a verification finds where the endpoint works, and where it does not.

use admin::{Action, App, Config};
use aws::env::Env;
use aws::sdk::{Sdk, Timeouts};
use aws::stub::{Reply, sdk};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use heygen::HeaderNames;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::sleep;
use webhook::{Secret, Unverified};

const SECRET: &str = "whsec_canary";

/// A receiver in one of these states.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Receiver {
    Works,
    /// The first delivery meets a secret that is being changed.
    IsChanging,
    HasAnotherSecret,
    /// Its processor records nothing.
    IsNotProcessed,
    RejectsOptions,
    /// Another server, which accepts everything.
    IsAnother,
    Redirects,
    DoesNotRespond,
}

/// What has happened so far.
#[derive(Default)]
struct Seen {
    posts: usize,
    /// Sort keys of recorded events.
    recorded: Vec<String>,
    /// Inputs of UpdateItem.
    updates: Vec<Value>,
}

type Shared = Arc<Mutex<Seen>>;

async fn respond(
    state: Receiver,
    seen: Shared,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let error = |status: u16, code: &str| {
        (StatusCode::from_u16(status).unwrap(), json!({"error": {"code": code, "message": "…"}}).to_string())
    };
    if method == Method::OPTIONS {
        let status = if state == Receiver::RejectsOptions { StatusCode::FORBIDDEN } else { StatusCode::NO_CONTENT };
        return (status, String::new());
    }
    seen.lock().unwrap().posts += 1;
    match state {
        Receiver::IsAnother => return (StatusCode::OK, "<html>".to_owned()),
        Receiver::Redirects => return (StatusCode::MOVED_PERMANENTLY, String::new()),
        Receiver::DoesNotRespond => sleep(Duration::from_secs(60)).await,
        Receiver::IsChanging if seen.lock().unwrap().posts == 1 => return error(503, "secret_pending"),
        _ => {}
    }
    let secret = if state == Receiver::HasAnotherSecret { "whsec_other" } else { SECRET };
    let signatures = HeaderNames::default().signatures(&headers).unwrap();
    let Ok(verified) = Unverified::new(body.to_vec()).verify(&signatures, &[&Secret::new(secret).unwrap()]) else {
        return error(401, "signature_mismatch");
    };
    let event = heygen::read(&verified);
    assert!(aws::probe::is_probe(&event));
    if state != Receiver::IsNotProcessed {
        seen.lock().unwrap().recorded.push(event.item_key());
    }
    (StatusCode::OK, json!({"identity": event.identity.as_str()}).to_string())
}

/// Secrets Manager and the table.
fn aws(seen: &Shared, secret: Option<&'static str>) -> Sdk {
    let seen = Arc::clone(seen);
    sdk(Timeouts::LONG, move |operation, input| {
        let mut seen = seen.lock().unwrap();
        match operation {
            "GetSecretValue" => match secret {
                Some(secret) => Reply::Ok(json!({"SecretString": json!({"current": secret}).to_string()})),
                None => Reply::error(400, "ResourceNotFoundException"),
            },
            "Query" => {
                let item = input["ExpressionAttributeValues"][":item"]["S"].as_str().unwrap();
                Reply::Ok(json!({"Count": usize::from(seen.recorded.iter().any(|known| known == item))}))
            }
            "UpdateItem" => {
                seen.updates.push(input);
                Reply::Ok(json!({}))
            }
            _ => panic!("{operation}"),
        }
    })
}

fn config(url: &str, patience: Duration) -> Config {
    let url = url.to_owned();
    let variables = |name: &str| match name {
        "API_URL" => Some(url.clone()),
        "ENDPOINTS" => Some("main".to_owned()),
        "SECRET_PREFIX" => Some("shop/endpoints/".to_owned()),
        "TABLE_NAME" | "STACK" => Some("shop".to_owned()),
        _ => None,
    };
    Config { settle: Duration::ZERO, verify_patience: patience, ..Config::read(Env::from_fn(variables)).unwrap() }
}

/// The only verification in the reply to `verify`, and what happened.
async fn verify(url: &str, seen: Shared, secret: Option<&'static str>, patience: Duration) -> (Value, Seen) {
    let app = App::new(config(url, patience), &aws(&seen, secret));
    let reply = app.run(Action::read(json!({"action": "verify"})).unwrap()).await.unwrap().to_json();
    assert!(!reply.to_string().contains("canary"));
    (reply["verified"][0].clone(), std::mem::take(&mut *seen.lock().unwrap()))
}

async fn found(state: Receiver, patience: Duration) -> (Value, Seen) {
    let seen = Shared::default();
    let shared = Arc::clone(&seen);
    let handler = async move |method, headers, body| respond(state, Arc::clone(&shared), method, headers, body).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(handler)).await.unwrap() });
    verify(&url, seen, Some(SECRET), patience).await
}

#[tokio::test]
async fn an_endpoint_that_works_is_verified_and_the_time_is_kept() {
    let (verification, seen) = found(Receiver::Works, Duration::ZERO).await;
    assert_eq!(verification["problem"], Value::Null);
    assert_eq!((&verification["options"]["status"], &verification["post"]["status"]), (&json!(204), &json!(200)));
    assert!(verification["recorded_after_ms"].is_u64(), "{verification}");
    assert_eq!(seen.posts, 1);

    let update = &seen.updates[0];
    assert_eq!(update["Key"], json!({"id": {"S": "admin#shop/endpoints/"}, "item": {"S": "verification#main"}}));
    let expression = update["UpdateExpression"].as_str().unwrap();
    assert!(expression.contains("verified_at = :now REMOVE problem"), "{expression}");
}

#[tokio::test]
async fn an_endpoint_that_does_not_work_is_not_verified() {
    for (state, problem) in [
        (Receiver::HasAnotherSecret, "POST: status 401, signature_mismatch"),
        (Receiver::IsChanging, "POST: status 503, secret_pending"),
        (Receiver::IsNotProcessed, "the probe was accepted, but is not in the table after 0 s"),
        (Receiver::RejectsOptions, "OPTIONS: status 403, and HeyGen needs 2xx"),
        (Receiver::IsAnother, "POST: another server responds there, with status 200"),
        (Receiver::Redirects, "POST: status 301"),
    ] {
        let (verification, seen) = found(state, Duration::ZERO).await;
        assert_eq!(verification["problem"], problem, "{state:?}");
        let expression = seen.updates[0]["UpdateExpression"].as_str().unwrap();
        assert!(!expression.contains("verified_at"), "{state:?}: the time of the last success is kept");
        assert_eq!(seen.updates[0]["ExpressionAttributeValues"][":problem"]["S"], problem, "{state:?}");
    }
}

#[tokio::test]
async fn an_endpoint_is_tried_again_because_a_new_secret_takes_time() {
    let (verification, seen) = found(Receiver::IsChanging, Duration::from_secs(10)).await;
    assert_eq!((&verification["problem"], seen.posts), (&Value::Null, 2));
}

#[tokio::test]
async fn a_url_without_a_server_and_an_endpoint_without_a_secret_are_not_verified() {
    let nowhere = "http://127.0.0.1:9";
    let (verification, _) = verify(nowhere, Shared::default(), Some(SECRET), Duration::ZERO).await;
    assert_eq!(verification["problem"], "OPTIONS: no connection");
    let (verification, _) = verify(nowhere, Shared::default(), None, Duration::ZERO).await;
    assert_eq!(verification["problem"], "no signing secret is stored");
}

#[tokio::test]
async fn a_server_that_does_not_respond_is_not_waited_for() {
    let (verification, _) = found(Receiver::DoesNotRespond, Duration::ZERO).await;
    assert_eq!(verification["problem"], "POST: no response in time");
}
