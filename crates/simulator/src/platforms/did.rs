//! D-ID: `/talks`, `/clips`, `/animations` and `/scenes` (its OpenAPI document 4.2.1); and the lists of what nobody has made
//! here.

use super::fields::{self, Fields, within};
use super::{ApiResult, CallbackUrl, Notify, Product, SharedWorld};
use crate::World;
use crate::clock::naive;
use crate::http::is_loopback;
use crate::jobs::{Job, JobKind, State};
use crate::links::Links;
use crate::pages::Order;
use crate::rejection::Rejection;
use crate::strict::{Body, Nothing, Params};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use ureq::http::Uri;
use webhook::Platform;

/// In characters.
const LONGEST_USER_DATA: usize = 1000;

/// One kind of job.
struct Kind {
    product: Product,
    /// What the list calls its jobs, and the last part of the path.
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const KINDS: [Kind; 4] = [
    Kind {
        product: Product::DidTalk,
        name: "talks",
        required: &["script"],
        optional: &["source_url", "config", "user_data", "name", "webhook", "result_url"],
    },
    Kind {
        product: Product::DidClip,
        name: "clips",
        required: &["script"],
        optional: &[
            "presenter_id",
            "driver_id",
            "config",
            "presenter_config",
            "background",
            "user_data",
            "name",
            "webhook",
            "result_url",
        ],
    },
    Kind {
        product: Product::DidAnimation,
        name: "animations",
        required: &[],
        optional: &["source_url", "driver_url", "result_url", "face", "webhook", "config", "user_data"],
    },
    Kind {
        product: Product::DidScene,
        name: "scenes",
        required: &["avatar_id", "script"],
        optional: &["webhook", "user_data", "name", "result_url", "config", "background"],
    },
];

/// Other lists of an account, which are empty.
const EMPTY: [&str; 2] = ["expressives", "translations"];

pub(super) fn router() -> Router<Arc<World>> {
    let of_kinds = KINDS.iter().fold(Router::new(), |router, kind| router.merge(routes(kind)));
    EMPTY
        .into_iter()
        .fold(of_kinds, |router, name| router.route(&format!("/{name}"), get(move |params| empty(name, params))))
}

async fn empty(name: &str, Params(ListParams { limit, token }): Params<ListParams>) -> ApiResult {
    within(limit, "limit", 1..=100, 100)?;
    match token {
        Some(_) => Err(Rejection::invalid("token", "unknown token")),
        None => Ok(Json(json!({ name: [] }))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListParams {
    limit: Option<usize>,
    token: Option<String>,
}

fn routes(kind: &'static Kind) -> Router<Arc<World>> {
    let product = kind.product;
    let create = async move |Shared(world): SharedWorld, _: Params<Nothing>, Body(fields): Body<Fields>| {
        let (notify, user_data) = checked(kind, &fields)?;
        let made = world.create(product, notify, user_data, fields);
        let mut shown = job(&made, product, &world.links(Platform::Did));
        // What a create call returns, whatever became of the job meanwhile.
        let kept = ["id", "created_at"].map(|name| (name.to_owned(), shown[name].take()));
        let more = [("object", kind.name.trim_end_matches('s')), ("status", "created")];
        let more = more.map(|(name, value)| (name.to_owned(), json!(value)));
        Result::<_, Rejection>::Ok((StatusCode::CREATED, Json(Value::Object(kept.into_iter().chain(more).collect()))))
    };
    let list = async move |Shared(world): SharedWorld, Params(params): Params<ListParams>| world.page(kind, params);
    let one = async move |Shared(world): SharedWorld, Path(id): Path<String>, _: Params<Nothing>| {
        let found = world.find_elsewhere(product, &id)?;
        ApiResult::Ok(Json(job(&found, product, &world.links(Platform::Did))))
    };
    let path = format!("/{}", kind.name);
    Router::new().route(&path, get(list).post(create)).route(&format!("{path}/{{id}}"), get(one))
}

fn checked(kind: &Kind, fields: &Fields) -> Result<(Notify, Option<String>), Rejection> {
    fields::check(fields, kind.required, kind.optional)?;
    let user_data = fields::text(fields, "user_data")?;
    let is_valid = |text: &String| !text.trim().is_empty() && text.chars().count() <= LONGEST_USER_DATA;
    if !user_data.as_ref().is_none_or(is_valid) {
        return Err(Rejection::invalid("user_data", "user_data must have 1 to 1000 characters, not only spaces"));
    }
    let webhook = fields::text(fields, "webhook")?.filter(|url| !url.is_empty());
    if !webhook.as_deref().is_none_or(is_webhook) {
        return Err(Rejection::invalid("webhook", r"webhook must match ^(?:https):\/\/[\S]+$"));
    }
    Ok((webhook.map_or(Notify::Nobody, |url| Notify::Url(CallbackUrl(url))), user_data))
}

/// `^(?:https):\/\/[\S]+$`, and on loopback `http`, so that tests need no certificate.
fn is_webhook(url: &str) -> bool {
    let host = |uri: Uri| uri.host().map(str::to_owned);
    let is_local = || url.parse().ok().and_then(host).is_some_and(|host| is_loopback(&host));
    let rest = match url.strip_prefix("https://") {
        Some(rest) => Some(rest),
        None => url.strip_prefix("http://").filter(|_| is_local()),
    };
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}

impl World {
    fn page(&self, kind: &'static Kind, ListParams { limit, token }: ListParams) -> ApiResult {
        let limit = within(limit, "limit", 1..=100, 100)?.min(self.site(Platform::Did).options().largest_page);
        let (order, links) = (self.order(), self.links(Platform::Did));
        let show = |found: &Job| job(found, kind.product, &links);
        let page = self.jobs.read(|store| {
            let jobs = store.all().filter(|(_, job)| job.is_a(kind.product));
            let token = token.as_deref();
            match order {
                Order::OldestFirst => self.pages.page(kind.name, Some(limit), token, order, jobs, show),
                Order::NewestFirst => self.pages.page(kind.name, Some(limit), token, order, jobs.rev(), show),
            }
        })?;
        let mut shown = json!({kind.name: page["data"]});
        if page["has_more"] == true {
            shown["token"] = page["next_token"].clone();
        }
        Ok(Json(shown))
    }
}

fn to_millis(time: OffsetDateTime) -> String {
    format!("{:.23}Z", naive(time))
}

/// A job as the GET and the callback show it. An animation has no `rejected`.
pub(super) fn job(job: &Job, product: Product, links: &Links) -> Value {
    let (id, is_scene) = (&job.id, product == Product::DidScene);
    let mut shown = json!({
        "id": id, "user_id": "u1", "created_at": to_millis(job.created_at), "started_at": to_millis(job.created_at),
        "modified_at": to_millis(job.changed_at()), "status": "started",
    });
    let given = ["source_url", "avatar_id", "presenter_id", "webhook"].into_iter().map(|name| (name, &job.input[name]));
    for (name, value) in given.filter(|(_, value)| !value.is_null()) {
        shown[name] = value.clone();
    }
    if let JobKind::On(_, Notify::Url(CallbackUrl(url))) = &job.kind {
        shown["webhook"] = json!(url);
    }
    if let Some(user_data) = &job.callback_id {
        shown["user_data"] = json!(user_data);
    }
    if is_scene {
        shown["pending_url"] = json!(format!("https://results.example.invalid/{id}.mp4"));
    }
    match job.state() {
        State::Running => {}
        State::Succeeded { .. } => {
            shown["status"] = json!("done");
            shown["duration"] = json!(12);
            shown["result_url"] = json!(links.to(id, "mp4"));
            if matches!(product, Product::DidTalk | Product::DidClip) {
                shown["audio_url"] = json!(links.to(id, "wav"));
            }
            if is_scene {
                shown["subtitles_url"] = json!(links.to(id, "srt"));
                shown["thumbnail_url"] = json!(links.to(id, "jpg"));
            }
        }
        State::Failed { message, .. } => {
            let is_rejected = job.is_rejected() && product != Product::DidAnimation;
            shown["status"] = json!(if is_rejected { "rejected" } else { "error" });
            shown["error"] = json!({"kind": "UnknownError", "description": message});
        }
        State::Cancelled { .. } => shown["status"] = json!("error"),
    }
    shown
}
