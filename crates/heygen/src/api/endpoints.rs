//! Webhook endpoints and their secrets.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::id;
use super::pages::LARGEST_PAGE;
use super::transport::Call;
use super::{Api, ApiError, ApiVersion, IdempotencyKey, Kind, Pages};
use crate::Secret;
use crate::fields::Fields;

/// An endpoint as HeyGen describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// HeyGen's id of it.
    pub id: String,
    /// Where deliveries go. There may be several endpoints with one URL.
    pub url: String,
    /// Whether it gets deliveries. Nothing turns a disabled one on again.
    pub status: Option<EndpointStatus>,
    /// The event types it gets; `None` is all.
    pub events: Option<Vec<String>>,
    /// When it was made, as HeyGen wrote it: v1 gives no zone.
    pub created_at: Option<String>,
    /// What its deliveries are signed with. v3 shows it to the one who creates the endpoint and
    /// never again; v1 shows it always.
    pub secret: Option<Secret>,
}

/// Whether an endpoint gets deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointStatus {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
    /// Something else, in HeyGen's word.
    Other(String),
}

/// An endpoint to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where deliveries shall go.
    pub url: String,
    /// The event types it shall get; `None` is all.
    pub events: Option<Vec<String>>,
    /// The one entity it shall hear of. HeyGen never shows it again.
    pub entity_id: Option<String>,
}

/// What shall change of an endpoint. There is no way back to all event types: what
/// `"events": null` would do is not documented.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointPatch {
    /// Where deliveries shall go; `None` keeps it. v1 needs it, changed or not.
    pub url: Option<String>,
    /// The event types it shall get instead of the present ones; `None` is not sent, which in
    /// v3 keeps them, and of which v1 says nothing.
    pub events: Option<Vec<String>>,
}

impl Api {
    /// Makes an endpoint. Its secret has to be stored: v3 shows it only here.
    ///
    /// With a key, v3 gives the same answer for 24 h, so the call is tried again when its answer
    /// is lost, and may be repeated after a crash. Without one, and in v1, which has no such
    /// keys, it is tried again only after a 429.
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
        self.endpoint(Call { body: Some(body), key: self.heeded(key), ..call }).await
    }

    /// Changes an endpoint. Its secret stays.
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

    /// Deletes an endpoint. Its secret is gone with it.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::NotFound`] unless an earlier attempt of this call may have deleted it.
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
            answer => answer.map(drop),
        }
    }

    /// Gives an endpoint a new secret. The old one is dead at once, and the new one is shown only
    /// here, so the key is stored before the call: repeating the call with it gives the same
    /// secret for 24 h.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; [`Kind::Unsupported`] in v1; [`Kind::KeyReused`] if the secret is of another
    /// endpoint.
    pub async fn rotate_secret(&self, endpoint_id: &str, key: Option<&IdempotencyKey>) -> Result<Secret, ApiError> {
        const OPERATION: &str = "heygen:RotateSecret";
        self.needs_v3(OPERATION)?;
        let endpoint_id = id(OPERATION, endpoint_id)?;
        let path = ["v3", "webhooks", "endpoints", endpoint_id, "rotate-secret"];
        let call = Call { key: self.heeded(key), ..self.call(OPERATION, Method::POST, &path, &[]) };
        let body = self.send(&call).await?;
        let data = Fields::of(Some(&body)).object("data");
        if data.text("endpoint_id").is_some_and(|named| named != endpoint_id) {
            return Err(call.failed(Kind::KeyReused));
        }
        secret(data).ok_or_else(|| call.failed(Kind::Unexpected))
    }

    /// The workspace's endpoints, ours or not.
    pub fn endpoints(&self) -> Pages<'_, Endpoint> {
        const OPERATION: &str = "heygen:ListEndpoints";
        let call = match self.version() {
            ApiVersion::V3 => {
                let query = [("limit", Some(LARGEST_PAGE))];
                self.call(OPERATION, Method::GET, &["v3", "webhooks", "endpoints"], &query)
            }
            ApiVersion::V1 => self.call(OPERATION, Method::GET, &["v1", "webhook", "endpoint.list"], &[]),
        };
        Pages::new(self, call, Endpoint::read)
    }

    async fn endpoint(&self, call: Call) -> Result<Endpoint, ApiError> {
        let body = self.send(&call).await?;
        Fields::of(Some(&body)).get("data").and_then(Endpoint::read).ok_or_else(|| call.failed(Kind::Unexpected))
    }
}

impl Endpoint {
    /// Nothing without an id and a URL, or with events that are no list: what is ours and what it
    /// gets must not be guessed.
    fn read(value: &Value) -> Option<Self> {
        let fields = Fields::of(Some(value));
        let events = match fields.get("events") {
            None | Some(Value::Null) => None,
            Some(list) => {
                Some(list.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>()?)
            }
        };
        Some(Self {
            id: fields.text("endpoint_id")?,
            url: fields.text("url")?,
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
    Secret::new(fields.text("secret")?).ok()
}

fn text(text: &Option<String>) -> Option<Value> {
    text.as_ref().map(|text| json!(text))
}

fn list(list: &Option<Vec<String>>) -> Option<Value> {
    list.as_ref().map(|list| json!(list))
}

/// The fields that there are: `null` could mean something.
fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}
