//! Deliveries of the platforms beside HeyGen: signed by Synthesia and ElevenLabs, unsigned callbacks by Tavus and D-ID.

use super::type_field;
use super::webhooks::Webhook;
use crate::World;
use crate::log::{Attempt, Event, Progress};
use crate::outgoing::{Headers, send};
use crate::sender::{Disturbance, Target};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use webhook::Platform;

/// The one event of ElevenLabs that is retried, and only by webhooks that ask for it.
const RETRIED: &str = "post_call_transcription";

impl World {
    /// Emits a body, byte for byte, to a callback URL or to the webhooks that get events of its type.
    pub(crate) fn emit_elsewhere(
        self: &Arc<Self>,
        platform: Platform,
        callback_url: Option<&str>,
        body: Vec<u8>,
        disturbance: Option<Disturbance>,
    ) -> String {
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let name = type_field(platform).and_then(|field| json[field].as_str()).unwrap_or_default();
        let targets = match callback_url {
            Some(url) => vec![Target::Callback { name: "callback".to_owned(), url: url.to_owned() }],
            None => self.subscribed(platform, name),
        };
        self.send(Event::of(platform, name, body, self.clock.now()), targets, disturbance)
    }

    /// The webhooks that get events of this type.
    pub(crate) fn subscribed(&self, platform: Platform, event_type: &str) -> Vec<Target> {
        let gets = |webhook: &Webhook| match (platform, subscription(event_type)) {
            (Platform::ElevenLabs, Some(subscription)) => webhook.subscribes(subscription),
            // A product's own settings choose the webhook of its other events. Here that is every one.
            (Platform::ElevenLabs, None) => true,
            (Platform::HeyGen | Platform::Synthesia | Platform::Tavus | Platform::Did, _) => {
                webhook.subscribes(event_type)
            }
        };
        let webhooks = self.site(platform).webhooks.all().into_iter();
        let gets = webhooks.filter(|webhook| webhook.is_enabled() && gets(webhook));
        gets.map(|webhook| Target::Webhook(webhook.id)).collect()
    }

    pub(crate) async fn deliver_elsewhere(&self, delivery: usize, target: &Target, event: &Event, first_fails: bool) {
        let site = self.site(event.platform);
        // Whether a retry is signed anew is not documented. It is not, which is harder for a receiver.
        let signed_at = self.clock.now();
        let mut pauses = self.pauses(target, event).into_iter();
        for number in 1.. {
            let at = self.clock.now();
            let Some((url, headers)) = self.request(target, event, signed_at) else { break };
            let gets_nowhere = first_fails && number == 1;
            let status = match gets_nowhere {
                true => None,
                false => send(site.http.clone(), "POST", &url, headers, event.body.clone()).await,
            };
            self.log.attempt(delivery, Attempt { number, at, status });
            let succeeded = status.is_some_and(|status| counts(event.platform, status));
            if let (Platform::ElevenLabs, Target::Webhook(id)) = (event.platform, target) {
                site.webhooks.change(id, |webhook| webhook.workspace.note(status, succeeded, at));
            }
            if succeeded {
                return self.log.end(delivery, Progress::Delivered);
            }
            let Some(pause) = pauses.next().filter(|_| is_retried(event.platform, status)) else { break };
            tokio::time::sleep(pause).await;
        }
        self.log.end(delivery, Progress::GaveUp);
    }

    /// The URL and the headers of an attempt; `None` if the webhook no longer exists or is disabled.
    fn request(&self, target: &Target, event: &Event, signed_at: OffsetDateTime) -> Option<(String, Headers)> {
        let mut headers: Headers = vec![("Content-Type".into(), "application/json".to_owned())];
        let id = match target {
            Target::Callback { url, .. } => return Some((url.clone(), headers)),
            Target::Endpoint(id) | Target::Webhook(id) => id,
        };
        let webhook = self.site(event.platform).webhooks.get(id).filter(Webhook::is_enabled)?;
        let timestamp = signed_at.unix_timestamp().to_string();
        let message = [timestamp.as_bytes(), b".", &event.body].concat();
        let signature = webhook::sign(&webhook.secret, &message);
        match event.platform {
            Platform::Synthesia => {
                headers.push(("Synthesia-Signature".into(), signature));
                headers.push(("Synthesia-Timestamp".into(), timestamp));
            }
            Platform::ElevenLabs => {
                headers.push(("ElevenLabs-Signature".into(), format!("t={timestamp},v0={signature}")));
                headers.extend(webhook.workspace.headers.into_iter().map(|(name, value)| (name.into(), value)));
            }
            // HeyGen's are delivered elsewhere; the others have callback URLs only.
            Platform::HeyGen | Platform::Tavus | Platform::Did => return None,
        }
        Some((webhook.url, headers))
    }

    /// The pauses between the attempts. Synthesia documents two retries within ten minutes, ElevenLabs retries after
    /// half a minute, 2, 8 and 30 minutes. Here the first pause is that of the options.
    fn pauses(&self, target: &Target, event: &Event) -> Vec<Duration> {
        let Target::Webhook(id) = target else { return Vec::new() };
        let webhook = self.site(event.platform).webhooks.get(id);
        let factors: &[u32] = match event.platform {
            Platform::Synthesia => &[1, 2],
            Platform::ElevenLabs if event.event_type == RETRIED => match webhook {
                Some(webhook) if webhook.workspace.retry_enabled => &[1, 4, 16, 60],
                _ => &[],
            },
            Platform::HeyGen | Platform::ElevenLabs | Platform::Tavus | Platform::Did => &[],
        };
        factors.iter().map(|factor| self.options.retries.base * *factor).collect()
    }
}

/// What a webhook of ElevenLabs has to subscribe to for events of this type; `None` if a product's settings choose.
fn subscription(event_type: &str) -> Option<&'static str> {
    match event_type {
        "flows_generation" | "flows_template_run" => Some("flows"),
        "speech_to_text_transcription" => Some("speech_to_text"),
        "voice_removal_notice" | "voice_removal_notice_withdrawn" | "voice_removed" => {
            Some("voice_library_removal_notice")
        }
        _ => None,
    }
}

/// Whether a response counts as delivered. Tavus and D-ID do not document it.
fn counts(platform: Platform, status: u16) -> bool {
    match platform {
        Platform::Synthesia => (100..400).contains(&status),
        Platform::ElevenLabs => status == 200,
        Platform::HeyGen | Platform::Tavus | Platform::Did => (200..300).contains(&status),
    }
}

/// Whether another attempt may follow this response, or none.
fn is_retried(platform: Platform, status: Option<u16>) -> bool {
    platform != Platform::ElevenLabs || status.is_none_or(|status| status >= 500 || [408, 429].contains(&status))
}
