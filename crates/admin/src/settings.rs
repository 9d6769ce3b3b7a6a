//! The endpoints of other platforms, and how the platforms are asked.

use crate::webhook_api::WebhookApi;
use aws::endpoints::PlatformEndpoints;
use aws::env::Env;
use std::collections::BTreeMap;
use std::time::Duration;
use webhook::Platform;

/// How long a job's callback URL is accepted after a rotation. A job that was started before has the old token in its URL,
/// and may take days.
const CALLBACK_OVERLAP_HOURS: u64 = 72;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformSettings {
    /// `PLATFORM_ENDPOINTS`.
    pub endpoints: PlatformEndpoints,
    /// `CALLBACK_PREFIX`: the secret of an endpoint's callback URLs is called this, followed by the endpoint's name.
    pub callback_prefix: Option<String>,
    /// `CALLBACK_OVERLAP_HOURS`: how long callback URLs that were made with a replaced secret are still accepted.
    pub callback_overlap: Duration,
    /// `SYNTHESIA_API_KEY_SECRET` and `ELEVENLABS_API_KEY_SECRET`: the name or the ARN of the secret with the API key.
    pub api_keys: BTreeMap<Platform, String>,
    /// `SYNTHESIA_BASE_URL` and `ELEVENLABS_BASE_URL`, where they replace the platform's own.
    pub base_urls: BTreeMap<Platform, String>,
}

impl PlatformSettings {
    pub(crate) fn read(env: &mut Env<'_>) -> Self {
        let of_each = |env: &Env<'_>, variable: &str| {
            let registering = Platform::ALL.into_iter().filter(|platform| WebhookApi::of(*platform).is_some());
            let named =
                registering.map(|platform| (platform, format!("{}_{variable}", platform.name().to_uppercase())));
            named.filter_map(|(platform, name)| Some((platform, env.text(&name)?))).collect()
        };
        PlatformSettings {
            endpoints: env.or("PLATFORM_ENDPOINTS", PlatformEndpoints::default()),
            callback_prefix: env.text("CALLBACK_PREFIX"),
            callback_overlap: Duration::from_hours(env.or("CALLBACK_OVERLAP_HOURS", CALLBACK_OVERLAP_HOURS)),
            api_keys: of_each(env, "API_KEY_SECRET"),
            base_urls: of_each(env, "BASE_URL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_webhook_to_register_or_a_secret_for_callback_urls() {
        for platform in Platform::ALL {
            let has_either = WebhookApi::of(platform).is_some() || platform.takes_callback_urls();
            assert!(has_either, "{platform} is told where to deliver in another way: give DeliversTo a variant for it");
        }
    }

    #[test]
    fn the_schema_of_endpoints_json_has_the_platforms_whose_webhooks_are_registered() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../../../endpoints.schema.json")).unwrap();
        let named = &schema["properties"]["endpoints"]["items"]["properties"]["platform"]["enum"];
        let is_registered = |platform: &Platform| *platform == Platform::HeyGen || WebhookApi::of(*platform).is_some();
        let registered: Vec<_> = Platform::ALL.into_iter().filter(is_registered).map(Platform::name).collect();
        assert_eq!(*named, serde_json::json!(registered));
    }

    #[test]
    fn every_variable_may_be_absent_and_is_read_if_it_is_set() {
        let mut none = Env::from_fn(|_| None);
        let settings = PlatformSettings::read(&mut none);
        let callback_overlap = Duration::from_hours(72);
        assert_eq!(settings, PlatformSettings { callback_overlap, ..PlatformSettings::default() });

        let mut env = Env::from_fn(|name| {
            let value = match name {
                "PLATFORM_ENDPOINTS" => "synthesia/main,heygen/main",
                "CALLBACK_OVERLAP_HOURS" => "96",
                "TAVUS_API_KEY_SECRET" | "HEYGEN_BASE_URL" => "not ours",
                _ => return Some(name.to_owned()),
            };
            Some(value.to_owned())
        });
        let settings = PlatformSettings::read(&mut env);
        assert_eq!(settings.endpoints.0.len(), 2);
        assert_eq!(settings.callback_prefix.as_deref(), Some("CALLBACK_PREFIX"));
        assert_eq!(settings.callback_overlap, Duration::from_hours(96));
        assert_eq!(settings.api_keys[&Platform::Synthesia], "SYNTHESIA_API_KEY_SECRET");
        assert_eq!(settings.base_urls[&Platform::ElevenLabs], "ELEVENLABS_BASE_URL");
        assert_eq!((settings.api_keys.len(), settings.base_urls.len()), (2, 2));
    }
}
