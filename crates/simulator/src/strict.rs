//! Strict reading of requests: a typo of the client is an error, not a default.

use crate::rejection::Rejection;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::{header, request::Parts};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

/// A JSON body. Its types deny unknown fields.
pub(crate) struct Body<T>(pub(crate) T);

/// A query string. Its types deny unknown parameters.
pub(crate) struct Params<T>(pub(crate) T);

/// No fields or parameters.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(|value| value.starts_with("application/json")) {
            return Err(Rejection::invalid("Content-Type", "the body must be application/json"));
        }
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|why| Rejection::invalid("body", why.to_string()))?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(params)| Self(params)).map_err(|why| Rejection::invalid("query", why.body_text()))
    }
}

/// Checks the body of a call without one. An empty object is accepted.
pub(crate) fn no_fields(body: &Bytes) -> Result<(), Rejection> {
    if body.is_empty() { Ok(()) } else { parse(body).map(|Nothing {}| ()) }
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Rejection> {
    serde_json::from_slice(body).map_err(|why| Rejection::invalid("body", why.to_string()))
}

/// Reads a field in which null and absence differ: `Some(None)` is null.
pub(crate) fn nullable<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}
