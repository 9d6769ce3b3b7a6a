//! Where a request's path leads: an endpoint's signed deliveries, or the callback of one job. Pure.

use crate::config::Config;
use crate::response::Rejection;
use aws::endpoints::PlatformEndpoint;
use webhook::Platform;
use webhook::callback::{Callback, Token};

/// Every path begins with this, possibly behind the prefix of a stage or a custom domain.
const PREFIX: &str = "/webhooks/";

#[derive(Debug)]
pub(crate) enum Route {
    Delivery(PlatformEndpoint),
    Callback(Callback, Token),
}

impl Route {
    pub(crate) fn of(path: &str, config: &Config) -> Result<Self, Rejection> {
        let (_, rest) = path.rsplit_once(PREFIX).ok_or(Rejection::UnknownPath)?;
        let (platform, rest) = rest.split_once('/').ok_or(Rejection::UnknownPath)?;
        let platform: Platform = platform.parse().map_err(|_| Rejection::UnknownPath)?;
        if let Some((callback, token)) = Callback::read(platform, rest)
            && takes_callbacks(&callback, config)
        {
            return Ok(Route::Callback(callback, token));
        }
        let endpoint = PlatformEndpoint { platform, name: rest.to_owned() };
        match platform {
            Platform::HeyGen if config.endpoints.contains(&endpoint.name) => Ok(Route::Delivery(endpoint)),
            Platform::HeyGen => Err(Rejection::UnknownEndpoint),
            _ if !platform.is_signed() => Err(Rejection::UnknownPath),
            _ if config.platform_endpoints.contains(&endpoint) => Ok(Route::Delivery(endpoint)),
            // A deployment without other platforms does not say that there are any.
            _ if config.platform_endpoints.is_empty() => Err(Rejection::UnknownPath),
            _ => Err(Rejection::UnknownEndpoint),
        }
    }

    pub(crate) fn platform(&self) -> Platform {
        match self {
            Route::Delivery(endpoint) => endpoint.platform,
            Route::Callback(callback, _) => callback.platform,
        }
    }

    /// The name of the endpoint, which is a configured one.
    pub(crate) fn endpoint(&self) -> &str {
        match self {
            Route::Delivery(endpoint) => &endpoint.name,
            Route::Callback(callback, _) => &callback.endpoint,
        }
    }
}

fn takes_callbacks(callback: &Callback, config: &Config) -> bool {
    let Callback { platform, endpoint, kind, .. } = callback;
    let is_named = |known: &PlatformEndpoint| known.platform == *platform && known.name == *endpoint;
    config.callbacks.is_some()
        && platforms::callback_kinds(*platform).contains(&kind.as_str())
        && config.platform_endpoints.iter().any(is_named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::env::Env;

    fn config(platform_endpoints: &str) -> Config {
        Config::read(Env::from_fn(|name| match name {
            "ENDPOINTS" => Some("main".to_owned()),
            "PLATFORM_ENDPOINTS" => Some(platform_endpoints.to_owned()),
            _ => Some("1".to_owned()),
        }))
        .unwrap()
    }

    fn route(path: &str, platform_endpoints: &str) -> Result<(Platform, String), Rejection> {
        let route = Route::of(path, &config(platform_endpoints))?;
        Ok((route.platform(), route.endpoint().to_owned()))
    }

    const OTHERS: &str = "synthesia/main,tavus/main,heygen/orders";

    #[test]
    fn a_delivery_leads_to_the_endpoint_of_its_platform() {
        let main = |platform| Ok((platform, "main".to_owned()));
        assert_eq!(route("/webhooks/heygen/main", ""), main(Platform::HeyGen));
        assert_eq!(route("/prod/webhooks/heygen/main", OTHERS), main(Platform::HeyGen));
        assert_eq!(route("/webhooks/synthesia/main", OTHERS), main(Platform::Synthesia));
        assert_eq!(route("/webhooks/synthesia/second", OTHERS), Err(Rejection::UnknownEndpoint));
        assert_eq!(route("/webhooks/elevenlabs/main", OTHERS), Err(Rejection::UnknownEndpoint));
        assert_eq!(route("/webhooks/heygen/second", OTHERS), Err(Rejection::UnknownEndpoint));
        // Of callback URLs only.
        assert_eq!(route("/webhooks/heygen/orders", OTHERS), Err(Rejection::UnknownEndpoint));
        for path in ["/webhooks/synthesia/main", "/webhooks/sora/main", "/webhooks/heygen", "/webhooks/", "/", ""] {
            assert_eq!(route(path, ""), Err(Rejection::UnknownPath), "{path}");
        }
    }

    #[test]
    fn what_does_not_sign_has_callbacks_only() {
        let token = "a".repeat(64);
        let path =
            |platform: &str, endpoint: &str, kind: &str| format!("/webhooks/{platform}/{endpoint}/{kind}/eA/{token}");
        assert_eq!(route(&path("tavus", "main", "video"), OTHERS), Ok((Platform::Tavus, "main".to_owned())));
        assert_eq!(
            route(&path("heygen", "orders", "avatar_video"), OTHERS),
            Ok((Platform::HeyGen, "orders".to_owned()))
        );
        for unknown in [
            path("tavus", "second", "video"),
            path("tavus", "main", "film"),
            path("did", "main", "talk"),
            "/webhooks/tavus/main".to_owned(),
            "/webhooks/tavus/main/video/eA/short".to_owned(),
        ] {
            assert_eq!(route(&unknown, OTHERS), Err(Rejection::UnknownPath), "{unknown}");
        }
        assert_eq!(route(&path("synthesia", "main", "video"), OTHERS), Err(Rejection::UnknownEndpoint));
    }
}
