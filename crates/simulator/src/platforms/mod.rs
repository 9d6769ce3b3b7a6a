//! The platforms beside HeyGen. Each has its paths below its name, and shares everything else: clock, jobs, links,
//! faults and the log.

mod deliver;
mod did;
mod elevenlabs;
mod elevenlabs_webhooks;
mod fields;
mod limit;
mod product;
mod site;
mod synthesia;
mod tavus;
mod webhooks;

pub use product::{CallbackUrl, Notify, Product};
pub use site::Api;
pub(crate) use site::Sites;
pub use webhooks::{Webhook, Workspace};

use crate::World;
use crate::jobs::{Ends, Job, JobKind, StartJob};
use crate::links::Links;
use crate::log::Event;
use crate::pages::Order;
use crate::rejection::Rejection;
use crate::sender::{Disturbance, Target};
use axum::{Json, Router};
use fields::Fields;
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use webhook::Platform;

type SharedWorld = axum::extract::State<Arc<World>>;
type ApiResult = Result<Json<Value>, Rejection>;

pub(crate) fn router() -> Router<Arc<World>> {
    let below = |platform: Platform| format!("/{platform}");
    Router::new()
        .nest(&below(Platform::Synthesia), synthesia::router())
        .nest(&below(Platform::ElevenLabs), elevenlabs::router())
        .nest(&below(Platform::Tavus), tavus::router())
        .nest(&below(Platform::Did), did::router())
}

/// The platform of a path, and the path at that platform.
pub(crate) fn of(path: &str) -> (Platform, &str) {
    let below = |platform: Platform| path.strip_prefix('/')?.strip_prefix(platform.name());
    let others = Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen);
    let found =
        others.filter_map(|platform| Some((platform, below(platform)?))).find(|(_, rest)| rest.starts_with('/'));
    found.unwrap_or((Platform::HeyGen, path))
}

/// An event in its platform's envelope. Those without webhooks have none.
fn envelope(platform: Platform, event_type: &str, data: &Value, at: OffsetDateTime) -> Value {
    match platform {
        Platform::HeyGen => json!({"event_type": event_type, "event_data": data}),
        Platform::Synthesia => json!({"type": event_type, "data": data}),
        Platform::ElevenLabs => json!({"type": event_type, "event_timestamp": at.unix_timestamp(), "data": data}),
        Platform::Tavus | Platform::Did => data.clone(),
    }
}

/// The field of an event with its type, if there is one.
fn type_field(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::HeyGen | Platform::Tavus => Some("event_type"),
        Platform::Synthesia | Platform::ElevenLabs => Some("type"),
        Platform::Did => None,
    }
}

/// The types and bodies of the events at a job's start.
fn events_at_start(product: Product, job: &Job) -> Vec<(&'static str, Value)> {
    match product {
        Product::TavusConversation => tavus::joined(job),
        _ => Vec::new(),
    }
}

/// The types and bodies of the events at a job's end.
fn events_at_end(product: Product, job: &Job, links: &Links, at: OffsetDateTime) -> Vec<(&'static str, Value)> {
    match product {
        Product::SynthesiaVideo => vec![synthesia::event(job, links)],
        Product::ElevenLabsVideo | Product::ElevenLabsImage | Product::ElevenLabsSpeech => {
            let name = "flows_generation";
            let data = elevenlabs::generation(job, product, links);
            vec![(name, envelope(Platform::ElevenLabs, name, &data, at))]
        }
        Product::TavusVideo => vec![(product.name(), tavus::video(job, links))],
        Product::TavusReplica => vec![(product.name(), tavus::trained(job))],
        Product::TavusConversation => tavus::ended(job),
        // That a callback's body is what a GET returns is what integrators read; D-ID documents none.
        Product::DidTalk | Product::DidClip | Product::DidAnimation | Product::DidScene => {
            vec![(product.name(), did::job(job, product, links))]
        }
    }
}

impl World {
    pub(crate) fn report_start(self: &Arc<Self>, job: &Job, disturbance: Option<Disturbance>) {
        if let JobKind::On(product, notify) = &job.kind {
            self.tell(job, notify, *product, events_at_start(*product, job), job.created_at, disturbance);
        }
    }

    pub(crate) fn report_elsewhere(
        self: &Arc<Self>,
        job: &Job,
        (product, notify): (Product, &Notify),
        at: OffsetDateTime,
        disturbance: Option<Disturbance>,
    ) {
        let links = self.links(product.platform());
        self.tell(job, notify, product, events_at_end(product, job, &links, at), at, disturbance);
    }

    fn tell(
        self: &Arc<Self>,
        job: &Job,
        notify: &Notify,
        product: Product,
        events: Vec<(&'static str, Value)>,
        at: OffsetDateTime,
        disturbance: Option<Disturbance>,
    ) {
        let platform = product.platform();
        for (name, body) in events {
            let mut targets = match notify {
                Notify::Subscribed | Notify::Webhooks(_) => self.subscribed(platform, name),
                Notify::Url(CallbackUrl(url)) if platform.takes_callback_urls() => {
                    vec![Target::Callback { name: job.id.clone(), url: url.clone() }]
                }
                Notify::Url(_) | Notify::Nobody => Vec::new(),
            };
            if let Notify::Webhooks(ids) = notify {
                targets.retain(|target| ids.iter().any(|id| id == target.name()));
            }
            self.send(Event::of(platform, name, body.to_string().into_bytes(), at), targets, disturbance);
        }
    }

    /// Starts a job that a call of the API asked for.
    fn create(self: &Arc<Self>, product: Product, notify: Notify, callback_id: Option<String>, input: Fields) -> Job {
        let outcome = self.site(product.platform()).options().created_jobs.clone();
        let ends = Ends::After(self.options.job_duration);
        let kind = JobKind::On(product, notify);
        let job = StartJob { kind, callback_id, callback_url: None, outcome, ends, disturbance: None };
        self.start(job, Value::Object(input))
    }

    fn find_elsewhere(&self, product: Product, id: &str) -> Result<Job, Rejection> {
        let found = self.jobs.read(|store| store.get(id).filter(|job| job.is_a(product)).cloned());
        found.ok_or_else(|| Rejection::not_found("The id was"))
    }

    /// What `show` makes of the jobs of one kind, in the order of the lists.
    fn all_elsewhere(&self, product: Product, show: impl Fn(&Job) -> Value) -> Vec<Value> {
        let mut jobs: Vec<_> = self
            .jobs
            .read(|store| store.all().map(|(_, job)| job).filter(|job| job.is_a(product)).map(&show).collect());
        if self.order() == Order::NewestFirst {
            jobs.reverse();
        }
        jobs
    }
}
