//! `/v3/webhooks` and `/v3/users/me` (HeyGen's v3 documentation).

use crate::World;
use crate::clock::iso;
use crate::endpoints::{Change, Endpoint, New, check_events, check_url};
use crate::lock;
use crate::log::Event;
use crate::pages::Order;
use crate::random;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params, no_fields, nullable};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

type ApiResult = Result<Json<Value>, Rejection>;

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v3/webhooks/endpoints", get(list).post(create))
        .route("/v3/webhooks/endpoints/{endpoint_id}", patch(update).delete(remove))
        .route("/v3/webhooks/endpoints/{endpoint_id}/rotate-secret", post(rotate))
        .route("/v3/webhooks/event-types", get(event_types))
        .route("/v3/webhooks/events", get(events))
        .route("/v3/users/me", get(account))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    limit: Option<usize>,
    token: Option<String>,
}

async fn list(State(world): State<Arc<World>>, Params(params): Params<ListParams>) -> ApiResult {
    let endpoints = world.endpoints.all();
    let items = endpoints.iter().map(|endpoint| ((0, endpoint.number), endpoint));
    world.pages.page("endpoints", params.limit, params.token.as_deref(), Order::OldestFirst, items, shown).map(Json)
}

async fn create(State(world): State<Arc<World>>, _: Params<Nothing>, Body(new): Body<New>) -> ApiResult {
    check_url(&new.url)?;
    check_events(new.events.as_deref(), &world.options.event_types)?;
    world.outgoing.check(&new.url).await?;
    let endpoint = world.endpoints.add(new, world.options.unique_urls, world.clock.now())?;
    let mut data = shown(&endpoint);
    data["secret"] = json!(endpoint.secret);
    Ok(Json(json!({"data": data})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    url: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    events: Option<Option<Vec<String>>>,
}

async fn update(
    State(world): State<Arc<World>>,
    Path(endpoint_id): Path<String>,
    _: Params<Nothing>,
    Body(update): Body<Update>,
) -> ApiResult {
    let events = match update.events {
        // It could mean all types or no change. It is not documented, so a client must not depend on it.
        Some(None) => return Err(Rejection::invalid("events", "the meaning of null is not documented")),
        Some(events) => events,
        None => None,
    };
    if let Some(url) = &update.url {
        check_url(url)?;
    }
    check_events(events.as_deref(), &world.options.event_types)?;
    let change = Change { url: update.url, events };
    let ignored = world.options.ignore_updates;
    let endpoint = world.endpoints.change(&endpoint_id, |endpoint| {
        if !ignored {
            endpoint.apply(change);
        }
    })?;
    Ok(Json(json!({"data": shown(&endpoint)})))
}

async fn remove(State(world): State<Arc<World>>, Path(endpoint_id): Path<String>, _: Params<Nothing>) -> ApiResult {
    world.endpoints.remove(&endpoint_id)?;
    Ok(Json(json!({"data": {}})))
}

/// The old secret is not used from then on.
async fn rotate(
    State(world): State<Arc<World>>,
    Path(endpoint_id): Path<String>,
    _: Params<Nothing>,
    body: Bytes,
) -> ApiResult {
    no_fields(&body)?;
    let secret = random::secret();
    world.endpoints.change(&endpoint_id, |endpoint| endpoint.secret = secret.clone())?;
    Ok(Json(json!({"data": {"endpoint_id": endpoint_id, "secret": secret}})))
}

/// One page, because no parameters are documented.
async fn event_types(State(world): State<Arc<World>>, _: Params<Nothing>) -> ApiResult {
    let described =
        |event_type: &String| json!({"event_type": event_type, "description": format!("{event_type} happened")});
    let data: Vec<_> = world.options.event_types.iter().map(described).collect();
    Ok(Json(json!({"data": data, "has_more": false, "next_token": null})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventParams {
    event_type: Option<String>,
    entity_id: Option<String>,
    limit: Option<usize>,
    token: Option<String>,
}

async fn events(State(world): State<Arc<World>>, Params(params): Params<EventParams>) -> ApiResult {
    let EventParams { event_type, entity_id, limit, token } = params;
    let is_wanted = |event: &&Event| {
        event_type.as_ref().is_none_or(|wanted| event.event_type == *wanted)
            && entity_id.as_ref().is_none_or(|wanted| event.is_about(wanted))
    };
    let show = |event: &Event| {
        let (id, created_at) = (&event.event_id, iso(event.created_at));
        let (event_type, event_data) = (&event.event_type, &event.event_data);
        json!({"event_id": id, "event_type": event_type, "event_data": event_data, "created_at": created_at})
    };
    let all = lock(&world.settings).list_undelivered;
    let order = world.order();
    let page = world.log.read_events(all, |events| {
        let events = events.filter(is_wanted).map(|event| ((0, event.number), event));
        match order {
            Order::OldestFirst => world.pages.page("events", limit, token.as_deref(), order, events, show),
            Order::NewestFirst => world.pages.page("events", limit, token.as_deref(), order, events.rev(), show),
        }
    });
    page.map(Json)
}

/// The account, with what is left of its credit.
async fn account(State(world): State<Arc<World>>, _: Params<Nothing>) -> Json<Value> {
    Json(json!({"data": lock(&world.settings).account}))
}

/// An endpoint without its secret.
fn shown(endpoint: &Endpoint) -> Value {
    json!({
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "status": endpoint.status(),
        "created_at": iso(endpoint.created_at),
        "events": endpoint.events,
        "secret": null,
    })
}
