//! Webhook endpoints and their secrets.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::id;
use super::pages::LARGEST_PAGE;
use super::transport::Call;
use super::{Api, ApiError, ApiVersion, IdempotencyKey, Kind, Pages};
use crate::Secret;
use webhook::fields::Fields;

/// A registered webhook endpoint, as HeyGen returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// HeyGen's id of the endpoint.
    pub id: String,
    /// The URL to which HeyGen posts. Several endpoints may have the same URL.
    pub url: String,
    /// Whether HeyGen delivers to it. The API has no call that enables a disabled endpoint.
    pub status: Option<EndpointStatus>,
    /// The event types that it subscribes to; `None` means all.
    pub events: Option<Vec<String>>,
    /// When it was created, as HeyGen wrote it: ISO 8601, in v1 without a time zone.
    pub created_at: Option<String>,
    /// The secret with which its deliveries are signed. v3 returns it only when the endpoint is
    /// created, v1 always.
    pub secret: Option<Secret>,
}

/// Whether HeyGen delivers to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointStatus {
    /// `enabled`.
    Enabled,
    /// `disabled`.
    Disabled,
    /// A status that this version does not know.
    Other(String),
}

/// An endpoint to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// The URL to which HeyGen will post.
    pub url: String,
    /// The event types to subscribe to; `None` means all.
    pub events: Option<Vec<String>>,
    /// Limits the endpoint to the events of one entity. HeyGen never returns it.
    pub entity_id: Option<String>,
}

/// A change of an endpoint. It cannot go from a list of event types back to all: the effect of
/// `"events": null` is not documented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPatch {
    /// The new URL; `None` keeps the present one. v1 requires a URL, changed or not.
    pub url: Option<String>,
    /// The new event types. `None` is not sent, which keeps the present ones in v3; v1 does not
    /// document its effect.
    pub events: Option<Vec<String>>,
}

impl Api {
    /// Creates an endpoint. Store its secret: v3 returns it only here.
    ///
    /// With a key, v3 returns the same response for 24 h, so the call is retried if its response is
    /// lost, and may be repeated after a crash. Without a key, and in v1, which does not support
    /// keys, it is retried only after 429.
    ///
    /// # Errors
    ///
    /// [`ApiError`]. After [`Kind::Timeout`] and [`Kind::Connection`] the endpoint may exist.
    pub async fn create_endpoint(
        &self,
        endpoint: &NewEndpoint,
        key: Option<&IdempotencyKey>,
    ) -> Result<Endpoint, ApiError> {
        let path: &[&str] = match self.version() {
            ApiVersion::V3 => &["v3", "webhooks", "endpoints"],
            ApiVersion::V1 => &["v1", "webhook", "endpoint.add"],
        };
        let NewEndpoint { url, events, entity_id } = endpoint;
        let body = object([("url", Some(json!(url))), ("events", list(events)), ("entity_id", text(entity_id))]);
        let call = self.call("heygen:CreateEndpoint", Method::POST, path, &[]);
        self.endpoint(Call { body: Some(body), key: self.supported(key), ..call }).await
    }

    /// Changes an endpoint. It keeps its secret.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; in v1 [`Kind::UrlRequired`] for a patch without a URL.
    pub async fn update_endpoint(&self, endpoint_id: &str, patch: &EndpointPatch) -> Result<Endpoint, ApiError> {
        const OPERATION: &str = "heygen:UpdateEndpoint";
        let endpoint_id = id(OPERATION, endpoint_id)?;
        let EndpointPatch { url, events } = patch;
        let (path, named): (&[&str], _) = match self.version() {
            ApiVersion::V3 => (&["v3", "webhooks", "endpoints", endpoint_id], None),
            ApiVersion::V1 if url.is_none() => return Err(ApiError::new(OPERATION, Kind::UrlRequired)),
            ApiVersion::V1 => (&["v1", "webhook", "endpoint.update"], Some(json!(endpoint_id))),
        };
        let body = object([("endpoint_id", named), ("url", text(url)), ("events", list(events))]);
        let call = self.call(OPERATION, Method::PATCH, path, &[]);
        self.endpoint(Call { body: Some(body), ..call }).await
    }

    /// Deletes an endpoint and its secret.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::NotFound`], unless an earlier attempt of the same call may have deleted
    /// the endpoint, which counts as success.
    pub async fn delete_endpoint(&self, endpoint_id: &str) -> Result<(), ApiError> {
        const OPERATION: &str = "heygen:DeleteEndpoint";
        let endpoint_id = id(OPERATION, endpoint_id)?;
        let call = match self.version() {
            ApiVersion::V3 => self.call(OPERATION, Method::DELETE, &["v3", "webhooks", "endpoints", endpoint_id], &[]),
            ApiVersion::V1 => {
                let query = [("endpoint_id", Some(endpoint_id))];
                self.call(OPERATION, Method::DELETE, &["v1", "webhook", "endpoint.delete"], &query)
            }
        };
        match self.send(&call).await {
            Err(error) if error.kind == Kind::NotFound && error.attempts > 1 => Ok(()),
            result => result.map(drop),
        }
    }

    /// Gives an endpoint a new secret. HeyGen stops using the old one at once and returns the new
    /// one only here, so store the key before the call: repeating the call with the same key returns
    /// the same secret for 24 h.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1; [`Kind::KeyReused`] if the returned secret belongs
    /// to another endpoint.
    pub async fn rotate_secret(&self, endpoint_id: &str, key: Option<&IdempotencyKey>) -> Result<Secret, ApiError> {
        const OPERATION: &str = "heygen:RotateSecret";
        self.needs_v3(OPERATION)?;
        let endpoint_id = id(OPERATION, endpoint_id)?;
        let path = ["v3", "webhooks", "endpoints", endpoint_id, "rotate-secret"];
        let call = Call { key: self.supported(key), ..self.call(OPERATION, Method::POST, &path, &[]) };
        let body = self.send(&call).await?;
        let data = Fields::of(Some(&body)).object("data");
        if data.text("endpoint_id").is_some_and(|named| named != endpoint_id) {
            return Err(call.misunderstood(Kind::KeyReused));
        }
        secret(data).ok_or_else(|| call.misunderstood(Kind::Unexpected))
    }

    /// All endpoints of the workspace.
    pub fn endpoints(&self) -> Pages<'_, Endpoint> {
        const OPERATION: &str = "heygen:ListEndpoints";
        let call = match self.version() {
            ApiVersion::V3 => {
                let query = [("limit", Some(LARGEST_PAGE))];
                self.call(OPERATION, Method::GET, &["v3", "webhooks", "endpoints"], &query)
            }
            ApiVersion::V1 => self.call(OPERATION, Method::GET, &["v1", "webhook", "endpoint.list"], &[]),
        };
        let read = if self.version().lists_secrets() { Endpoint::read } else { Endpoint::read_without_secret };
        Pages::new(self, call, read)
    }

    async fn endpoint(&self, call: Call) -> Result<Endpoint, ApiError> {
        let body = self.send(&call).await?;
        Fields::of(Some(&body)).get("data").and_then(Endpoint::read).ok_or_else(|| call.misunderstood(Kind::Unexpected))
    }
}

impl Endpoint {
    /// v3's list has no secrets. A text in their place is not one, and must not replace a stored secret.
    fn read_without_secret(value: &Value) -> Option<Self> {
        Some(Self { secret: None, ..Self::read(value)? })
    }

    /// `None` without an id or a URL that are texts, or if the events are not a list of strings: the caller decides
    /// by them which endpoints to change, so they must not be guessed.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        let events = match fields.get("events") {
            None | Some(Value::Null) => None,
            Some(list) => {
                Some(list.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?)
            }
        };
        Some(Self {
            id: fields.get("endpoint_id")?.as_str().filter(|id| !id.is_empty())?.to_owned(),
            url: fields.get("url")?.as_str().filter(|url| !url.is_empty())?.to_owned(),
            status: fields.text("status").map(EndpointStatus::from),
            events,
            created_at: fields.text("created_at"),
            secret: secret(fields),
        })
    }
}

impl From<String> for EndpointStatus {
    fn from(status: String) -> Self {
        match status.as_str() {
            "enabled" => Self::Enabled,
            "disabled" => Self::Disabled,
            _ => Self::Other(status),
        }
    }
}

fn secret(fields: Fields<'_>) -> Option<Secret> {
    Secret::new(fields.get("secret")?.as_str()?).ok()
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_ref().map(|text| json!(text))
}

fn list(list: &Option<Vec<String>>) -> Option<Value> {
    list.as_ref().map(|list| json!(list))
}

/// Leaves out fields without a value: HeyGen may give `null` a meaning.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}
