//! The platforms beside HeyGen in a local stack: their parameters, and starting a job there as a team would.

use crate::error::{Error, Result};
use crate::{Client, recovery};
use serde_json::{Value, json};
use simulator::{Disturbance, Ends, JobKind, JobOutcome, Product, Remote, StartJob};
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Platform;

/// One endpoint of each, and one for HeyGen's callback URLs.
pub fn endpoints() -> String {
    Platform::ALL.map(|platform| format!("{platform}/main")).join(",")
}

/// What the demonstration and the tests have made on each platform beside HeyGen.
pub fn products() -> Vec<Product> {
    let product = |platform| match platform {
        Platform::HeyGen => None,
        Platform::Synthesia => Some(Product::SynthesiaVideo),
        Platform::ElevenLabs => Some(Product::ElevenLabsSpeech),
        Platform::Tavus => Some(Product::TavusVideo),
        Platform::Did => Some(Product::DidTalk),
    };
    Platform::ALL.into_iter().filter_map(product).collect()
}

/// A platform beside HeyGen, as the template's parameters name it.
#[derive(Debug)]
pub struct Site {
    /// The parameter and the name of the secret with the key.
    pub key: (&'static str, &'static str),
    /// The value of that secret.
    pub api_key: String,
    /// The parameter and the URL of the simulated API.
    pub base_url: (&'static str, String),
}

/// Those of a simulator.
pub fn sites(simulator: &Remote) -> Result<Vec<Site>> {
    let others = Platform::ALL.into_iter().filter_map(|platform| Some((platform, names(platform)?)));
    let site = |(platform, (key, base_url))| {
        let access = simulator.platform(platform)?;
        Ok(Site { key, api_key: access.api_key, base_url: (base_url, access.url) })
    };
    others.map(site).collect()
}

/// The parameter and the secret of the key, and the parameter of the base URL. HeyGen's are not among them.
pub fn names(platform: Platform) -> Option<((&'static str, &'static str), &'static str)> {
    match platform {
        Platform::HeyGen => None,
        Platform::Synthesia => Some((("SynthesiaApiKeySecret", "synthesia-api-key"), "SynthesiaBaseUrl")),
        Platform::ElevenLabs => Some((("ElevenLabsApiKeySecret", "elevenlabs-api-key"), "ElevenLabsBaseUrl")),
        Platform::Tavus => Some((("TavusApiKeySecret", "tavus-api-key"), "TavusBaseUrl")),
        Platform::Did => Some((("DidApiKeySecret", "did-api-key"), "DidBaseUrl")),
    }
}

/// The kind of the jobs that report what the platform makes.
pub fn job_kind(product: Product) -> &'static str {
    match product {
        // What a flow generates is not in its events' type.
        Product::ElevenLabsVideo | Product::ElevenLabsSpeech => "elevenlabs.flows",
        other => other.name(),
    }
}

/// When a job of this machine should have ended.
const EXPECTED_WITHIN: Duration = Duration::from_secs(5);

/// Starts a job as a team would: it tracks the job, hands the callback URL to the platform if that takes one, and tracks
/// the platform's id. Returns that id.
pub fn start(
    client: &Client,
    product: Product,
    callback_id: &str,
    outcome: JobOutcome,
    ends: Ends,
    disturbance: Option<Disturbance>,
) -> Result<String> {
    let kind = job_kind(product);
    let expected_by = aws::clock::to_text(OffsetDateTime::now_utc() + EXPECTED_WITHIN);
    let track = |entity_id: Option<&str>| -> Result<Value> {
        let mut request =
            json!({"action": "track", "callback_id": callback_id, "kind": kind, "expected_by": expected_by});
        if let Some(id) = entity_id {
            request["entity_id"] = id.into();
        }
        recovery::ask(client.stack(), &request)
    };
    let notify: JobKind = if product.platform().takes_callback_urls() {
        let tracked = track(None)?;
        let url = tracked["callback_url"].as_str();
        product.calling(url.ok_or_else(|| Error::Failed(format!("tracking a {kind} gave no callback URL")))?)
    } else {
        product.into()
    };
    let callback_id = Some(callback_id.to_owned());
    let job = StartJob { kind: notify, callback_id, callback_url: None, outcome, ends, disturbance };
    let id = client.simulator()?.start_jobs(&[job])?.concat();
    track(Some(&id))?;
    Ok(id)
}
