//! The URL that a platform may call when a tracked job has ended. It is a credential for that job, so it is never logged.

use crate::action::TrackOptions;
use crate::config::Callbacks;
use crate::error::Error;
use aws::endpoints::PlatformEndpoint;
use aws::secrets;
use aws_sdk_secretsmanager::Client;
use webhook::Platform;
use webhook::callback::Callback;

#[derive(Debug, Clone)]
pub(crate) struct CallbackUrls {
    secrets: Client,
    callbacks: Callbacks,
    /// Where platforms reach this deployment.
    base: Option<String>,
}

impl CallbackUrls {
    pub(crate) fn new(secrets: Client, callbacks: Callbacks, base: Option<String>) -> Self {
        CallbackUrls { secrets, callbacks, base }
    }

    /// `None` if there is no endpoint for callbacks of this kind.
    pub(crate) async fn url(&self, options: &TrackOptions) -> Result<Option<String>, Error> {
        let callback = callback(options, &self.callbacks.endpoints).map_err(Error::InvalidRequest)?;
        let Some((endpoint, callback)) = callback else { return Ok(None) };
        let (Some(base), Some(prefix)) = (&self.base, &self.callbacks.secret_prefix) else {
            return Err(Error::NoCallbacks);
        };
        let name = endpoint.callback_secret(prefix);
        let stored = secrets::fetch(&self.secrets, &name).await?;
        let secret = stored.and_then(|stored| stored.current).ok_or(Error::NoCallbackSecret(name))?;
        Ok(Some(format!("{base}{}", callback.path(&secret))))
    }
}

/// What the URL is made for, and the endpoint that it leads to.
fn callback(
    options: &TrackOptions,
    endpoints: &[PlatformEndpoint],
) -> Result<Option<(PlatformEndpoint, Callback)>, String> {
    let (platform, kind) = platform_and_kind(&options.kind);
    let takes_it = platforms::callback_kinds(platform).contains(&kind);
    let of_platform: Vec<_> = endpoints.iter().filter(|endpoint| endpoint.platform == platform).collect();
    let endpoint = match (&options.endpoint, &of_platform[..]) {
        (Some(name), _) if !takes_it => {
            return Err(format!(
                "endpoint: {name:?} is of no use, as there are no callback URLs for {:?}",
                options.kind
            ));
        }
        (Some(name), _) => match of_platform.iter().find(|endpoint| endpoint.name == *name) {
            Some(endpoint) => endpoint,
            None => return Err(format!("endpoint: {name:?} is none of {platform}'s: {}", names(&of_platform))),
        },
        (None, [endpoint]) if takes_it => endpoint,
        (None, [_, _, ..]) if takes_it => {
            return Err(format!("endpoint: name one of {platform}'s: {}", names(&of_platform)));
        }
        (None, _) => return Ok(None),
    };
    let callback = Callback {
        platform,
        endpoint: endpoint.name.clone(),
        kind: kind.to_owned(),
        correlation: options.callback_id.clone(),
    };
    Ok(Some(((*endpoint).clone(), callback)))
}

/// The kind as it is in a path: without its platform.
fn platform_and_kind(kind: &str) -> (Platform, &str) {
    match Platform::of_kind(kind) {
        Platform::HeyGen => (Platform::HeyGen, kind),
        platform => (platform, kind.split_once('.').map_or(kind, |(_, kind)| kind)),
    }
}

fn names(endpoints: &[&PlatformEndpoint]) -> String {
    match endpoints {
        [] => "none is configured".to_owned(),
        endpoints => endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws::endpoints::PlatformEndpoints;

    fn made(kind: &str, endpoint: Option<&str>) -> Result<Option<String>, String> {
        let PlatformEndpoints(endpoints) = "synthesia/main,tavus/main,did/a,did/b,heygen/callbacks".parse().unwrap();
        let options = TrackOptions {
            callback_id: "order_1".to_owned(),
            kind: kind.to_owned(),
            endpoint: endpoint.map(str::to_owned),
            ..TrackOptions::default()
        };
        let made = callback(&options, &endpoints)?;
        Ok(made.map(|(endpoint, callback)| {
            assert_eq!((endpoint.platform, &endpoint.name), (callback.platform, &callback.endpoint));
            format!("{endpoint}/{}/{}", callback.kind, callback.correlation)
        }))
    }

    #[test]
    fn a_kind_with_callbacks_has_a_url_where_its_platform_has_one_endpoint_or_one_is_named() {
        for (kind, endpoint, expected) in [
            ("tavus.video", None, Some("tavus/main/video/order_1")),
            ("tavus.video", Some("main"), Some("tavus/main/video/order_1")),
            ("did.talk", Some("b"), Some("did/b/talk/order_1")),
            ("avatar_video", None, Some("heygen/callbacks/avatar_video/order_1")),
            // HeyGen's other jobs take no such URL, and Synthesia signs instead.
            ("lipsync", None, None),
            ("synthesia.video", None, None),
        ] {
            assert_eq!(made(kind, endpoint), Ok(expected.map(str::to_owned)), "{kind} {endpoint:?}");
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_meant_is_an_error_that_says_why() {
        for (kind, endpoint, word) in [
            ("did.talk", None, "name one of did's: a, b"),
            ("tavus.video", Some("second"), "none of tavus's: main"),
            ("synthesia.video", Some("main"), "no callback URLs"),
            ("lipsync", Some("callbacks"), "no callback URLs"),
        ] {
            let error = made(kind, endpoint).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
