//! `send` and `start`: an event or a job, and what is recorded of it.

use super::record::show_jobs;
use super::{Output, print};
use clap::Args;
use local::sample::{self, Field};
use local::{Client, Error, Result, delivery, platforms, progress};
use serde_json::json;
use simulator::{Disturbance, Ends, JobKind, JobOutcome, Product, StartJob};
use std::process::ExitCode;
use std::time::Duration;
use webhook::Status;

const LIMIT: Duration = Duration::from_secs(60);
/// Long enough to be seen as a job that takes a while.
const JOB_DURATION: Duration = Duration::from_secs(3);

#[derive(Args)]
pub struct Send {
    /// An event type, such as avatar_video.success or synthesia/video.completed, or a file with the body
    event: String,
    /// Makes it an event of this order: with this callback_id, and about an entity of its own
    #[arg(long)]
    callback_id: Option<String>,
    /// Replaces or adds a field of event_data, or of another platform's data
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Field>,
    /// The webhook endpoint
    #[arg(long, default_value = "main")]
    endpoint: String,
}

pub fn send(output: Output, options: &Send) -> Result<ExitCode> {
    let event = sample::read(&options.event)?;
    let platform = sample::platform(&options.event);
    let event = match &options.callback_id {
        Some(callback_id) => sample::of_order(platform, &event, callback_id)?,
        None => event,
    };
    let body = sample::with_fields(platform, event, &options.set)?;
    let client = Client::load()?;
    let sent = delivery::send(&client, platform, &options.endpoint, &body)?;
    progress::note("Sent", format_args!("{} to {}: {}", options.event, options.endpoint, sent.describe()));
    if !sent.accepted() {
        return Ok(ExitCode::FAILURE);
    }
    let jobs = delivery::wait_until_recorded(&client, platform, &body, LIMIT)?;
    show_jobs(output, &jobs)?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub struct Start {
    /// The callback id of the order
    #[arg(long)]
    callback_id: String,
    /// avatar_video, video_translate, …, or of another platform: synthesia.video, elevenlabs.speech, tavus.video, did.talk, …
    #[arg(long, default_value = "avatar_video")]
    kind: String,
    /// Let the job fail
    #[arg(long)]
    fail: bool,
    /// Let its webhook get lost
    #[arg(long)]
    lost: bool,
}

pub fn start(output: Output, options: &Start) -> Result<ExitCode> {
    let client = Client::load()?;
    let kind = JobKind::named(&options.kind, None).ok_or_else(|| {
        let known = JobKind::NAMES.into_iter().chain(Product::ALL.map(Product::name));
        Error::Failed(format!("unknown kind {:?} (known: {})", options.kind, known.collect::<Vec<_>>().join(", ")))
    })?;
    let outcome =
        if options.fail { JobOutcome::Fails("The simulated job failed.".to_owned()) } else { JobOutcome::Succeeds };
    let (ends_at, disturbance) = (Ends::After(JOB_DURATION), options.lost.then_some(Disturbance::Lost));
    let id = match Product::named(&options.kind) {
        Some(product) => platforms::start(&client, product, &options.callback_id, outcome, ends_at, disturbance)?,
        None => {
            let callback_id = Some(options.callback_id.clone());
            let job =
                StartJob { kind: kind.clone(), callback_id, callback_url: None, outcome, ends: ends_at, disturbance };
            client.simulator()?.start_jobs(&[job])?.concat()
        }
    };
    let ends = progress::seconds(JOB_DURATION);
    progress::note("Started", format_args!("{} {id} for {}; it ends in {ends}", kind.name(), options.callback_id));
    if options.lost {
        let brings_back = if Product::named(&options.kind).is_some() { "sweep" } else { "backfill" };
        return wait_until_lost(output, &options.callback_id, &id, brings_back);
    }
    let ended = client.wait_for("the job to be recorded", JOB_DURATION + LIMIT, || {
        let jobs = client.record(&options.callback_id)?.jobs;
        Ok(jobs
            .into_iter()
            .find(|job| job.entity_id == id && job.status.is_some_and(|status| status != Status::Pending)))
    });
    let job = ended.map_err(|error| match error {
        Error::Failed(why) => Error::Failed(format!("{why}; `make endpoints` and `make logs` may show why")),
        other => other,
    })?;
    show_jobs(output, &[job])?;
    if !output.json {
        print(format_args!("\nmake jobs CALLBACK_ID={} shows its events, too.", options.callback_id))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn wait_until_lost(output: Output, callback_id: &str, id: &str, brings_back: &str) -> Result<ExitCode> {
    // A backfill compares whole seconds, and a sweep asks for what should have ended.
    std::thread::sleep(JOB_DURATION + Duration::from_secs(3));
    progress::note("Lost", "its webhook: the platform did not send it");
    let text = || {
        format!(
            "make {brings_back} brings it back, and make jobs CALLBACK_ID={callback_id} shows it. On AWS, the schedule does."
        )
    };
    output.result(|| json!({ "entity_id": id, "lost": true }), text)?;
    Ok(ExitCode::SUCCESS)
}
