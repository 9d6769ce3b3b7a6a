//! Synthesia's and ElevenLabs' webhooks, as far as they are documented. What is not as documented is a violation.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

pub const KEY: &str = "key-of-a-platform";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub secret: String,
    pub events: Vec<String>,
    pub retry: bool,
    pub is_disabled: bool,
    pub is_auto_disabled: bool,
    /// A product uses it.
    pub is_used: bool,
}

/// What happens to the next call with this method.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is made, and the answer is lost.
    Lost,
    /// It is not made, and answered with this.
    Answer(u16, Value),
    /// It is made, and the answer is changed.
    Edit(fn(&mut Value)),
}

type OnCall = Box<dyn Fn() -> Cut + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Goes,
    /// The call is never made.
    Before,
    /// The call is made, and never answered.
    After,
}

#[derive(Default)]
pub struct Account {
    pub webhooks: Vec<Webhook>,
    /// Elements of the list that no one can read.
    pub odd: Vec<Value>,
    pub calls: Vec<String>,
    /// When each of them came.
    pub times: Vec<Instant>,
    pub faults: Vec<(Method, Fault)>,
    pub violations: Vec<String>,
    pub hides_usages: bool,
    created: usize,
    pub on_call: Option<OnCall>,
}

#[derive(Clone)]
pub struct Server {
    pub account: Arc<Mutex<Account>>,
    pub url: String,
}

impl Server {
    pub fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(Arc::clone(&account));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Server { account, url }
    }
}

async fn handle(
    State(account): State<Arc<Mutex<Account>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = {
        let mut account = account.lock().unwrap();
        account.calls.push(format!("{method} {}", uri.path()));
        account.times.push(Instant::now());
        let cut = account.on_call.as_ref().map_or(Cut::Goes, |on_call| on_call());
        if cut == Cut::Before {
            None
        } else {
            let answer = account.answer(&method, &uri, &headers, &body);
            (cut != Cut::After).then_some(answer)
        }
    };
    match answer {
        None => std::future::pending().await,
        Some((status, Value::Null)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some((status, json)) => (StatusCode::from_u16(status).unwrap(), json.to_string()).into_response(),
    }
}

impl Account {
    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (u16, Value) {
        let fault = self.faults.iter().position(|(of, _)| of == method).map(|place| self.faults.remove(place).1);
        if let Some(Fault::Answer(status, answer)) = fault {
            return (status, answer);
        }
        let is_elevenlabs = uri.path().starts_with("/v1/workspace/webhooks");
        let platform = if is_elevenlabs { webhook::Platform::ElevenLabs } else { webhook::Platform::Synthesia };
        let (name, value) = ::platforms::look_up::authorization(platform, KEY);
        if headers.get(name).is_none_or(|sent| sent != value.as_str()) {
            return (403, json!({"error": "Forbidden", "context": "key"}));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (status, mut answer) =
            if is_elevenlabs { self.elevenlabs(method, uri, &body) } else { self.synthesia(method, uri, &body) };
        match fault {
            Some(Fault::Lost) => (502, Value::Null),
            Some(Fault::Edit(edit)) => {
                edit(&mut answer);
                (status, answer)
            }
            _ => (status, answer),
        }
    }

    fn add(&mut self, url: &Value, events: &Value) -> Webhook {
        self.created += 1;
        let number = self.created;
        let events = events.as_array().into_iter().flatten().map(|event| event.as_str().unwrap().to_owned());
        let webhook = Webhook {
            id: format!("wh-{number}"),
            url: url.as_str().unwrap().to_owned(),
            secret: format!("wsec_canary_{number}"),
            events: events.collect(),
            retry: false,
            is_disabled: false,
            is_auto_disabled: false,
            is_used: false,
        };
        self.webhooks.push(webhook.clone());
        webhook
    }

    fn synthesia(&mut self, method: &Method, uri: &Uri, body: &Value) -> (u16, Value) {
        let fields: BTreeSet<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        match (method, uri.path().strip_prefix("/v2/webhooks")) {
            (&Method::GET, Some("")) => {
                let number = |name: &str| {
                    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
                    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.parse::<usize>().unwrap())
                };
                let (limit, offset) = (number("limit").unwrap_or(20), number("offset").unwrap_or(0));
                assert!(limit <= 100);
                let shown = |webhook: &Webhook| json!({"id": webhook.id, "url": webhook.url, "status": "active"});
                let all: Vec<_> = self.webhooks.iter().map(shown).chain(self.odd.clone()).collect();
                let page: Vec<_> = all.iter().skip(offset).take(limit).cloned().collect();
                let mut answer = json!({ "webhooks": page });
                if offset + limit < all.len() {
                    answer["nextOffset"] = json!(offset + limit);
                }
                (200, answer)
            }
            (&Method::POST, Some("")) if fields == ["events", "url"].into() => {
                let webhook = self.add(&body["url"], &body["events"]);
                (201, json!({"id": webhook.id, "url": webhook.url, "status": "active", "secret": webhook.secret}))
            }
            (&Method::DELETE, Some(id)) => match self.remove(id.trim_start_matches('/')) {
                true => (204, Value::Null),
                false => (404, json!({"error": "Not found", "context": ""})),
            },
            _ => self.violation(method, uri, body),
        }
    }

    fn elevenlabs(&mut self, method: &Method, uri: &Uri, body: &Value) -> (u16, Value) {
        let id = uri.path().strip_prefix("/v1/workspace/webhooks").unwrap_or_default().trim_start_matches('/');
        let settings = &body["settings"];
        match *method {
            Method::GET if id.is_empty() && uri.query() == Some("include_usages=true") => {
                let shown = |webhook: &Webhook| {
                    let mut shown = json!({"webhook_id": webhook.id, "name": "n", "webhook_url": webhook.url,
                        "is_disabled": webhook.is_disabled, "is_auto_disabled": webhook.is_auto_disabled,
                        "auth_type": "hmac"});
                    if !self.hides_usages {
                        shown["events"] = json!(webhook.events);
                    }
                    shown
                };
                let all: Vec<_> = self.webhooks.iter().map(shown).chain(self.odd.clone()).collect();
                (200, json!({ "webhooks": all }))
            }
            Method::POST if settings["auth_type"] == "hmac" && settings["name"].is_string() => {
                let webhook = self.add(&settings["webhook_url"], &Value::Null);
                (200, json!({"webhook_id": webhook.id, "webhook_secret": webhook.secret}))
            }
            Method::PATCH if body["is_disabled"].is_boolean() && body["name"].is_string() => {
                let Some(webhook) = self.webhooks.iter_mut().find(|webhook| webhook.id == id) else {
                    return (404, json!({"detail": {"status": "not_found"}}));
                };
                webhook.is_disabled = body["is_disabled"] == true;
                webhook.is_auto_disabled &= webhook.is_disabled;
                if let Some(events) = body["events"].as_array() {
                    webhook.events = events.iter().map(|event| event.as_str().unwrap().to_owned()).collect();
                }
                webhook.retry = body["retry_enabled"].as_bool().unwrap_or(webhook.retry);
                (200, json!({"status": "ok"}))
            }
            Method::DELETE => {
                if self.webhooks.iter().any(|webhook| webhook.id == id && webhook.is_used) {
                    return (400, json!({"detail": {"status": "webhook_in_use", "message": "It is in use"}}));
                }
                match self.remove(id) {
                    true => (200, json!({"status": "ok"})),
                    false => (404, json!({"detail": {"status": "not_found"}})),
                }
            }
            _ => self.violation(method, uri, body),
        }
    }

    fn remove(&mut self, id: &str) -> bool {
        let before = self.webhooks.len();
        self.webhooks.retain(|webhook| webhook.id != id);
        self.webhooks.len() < before
    }

    fn violation(&mut self, method: &Method, uri: &Uri, body: &Value) -> (u16, Value) {
        self.violations.push(format!("{method} {uri} {body}"));
        (400, json!({"error": "not as documented"}))
    }
}
