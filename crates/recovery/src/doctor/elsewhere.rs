//! What the doctor sees of other platforms than HeyGen, and of the callback URLs that they and HeyGen are given.

use crate::config::Config;
use crate::doctor::callback_urls::CallbackUrls;
use crate::doctor::observed::{Answers, Elsewhere, Seen};
use crate::look_up::Platforms;
use crate::look_up::error::{LookUpError, Problem};
use crate::sweep::due::Due;
use aws::api_key::ApiKeyError;
use aws::endpoints::PlatformEndpoint;
use aws::secrets;
use aws_sdk_secretsmanager::Client;
use futures::stream::{self, StreamExt};
use platforms::look_up::paths;
use webhook::Platform;

/// An id that no job has: whether it is looked up or refused, the key was accepted.
const NO_JOB: &str = "doctor";
/// A key may be good for some kinds of jobs only. More are not tried.
const MOST_KINDS: usize = 3;

/// Those that are used: that have an endpoint or a key.
pub(super) async fn observe(config: &Config, platforms: &Platforms<'_>, secrets: &Client, due: &Due) -> Vec<Elsewhere> {
    let urls = &CallbackUrls { config, platforms, secrets, due };
    let endpoints = |platform: Platform| -> Vec<&PlatformEndpoint> {
        config.callbacks.endpoints.iter().filter(|endpoint| endpoint.platform == platform).collect()
    };
    let used = Platform::ALL.into_iter().map(|platform| (platform, endpoints(platform)));
    let used = used.filter(|(platform, endpoints)| config.has_key(*platform) || !endpoints.is_empty());
    let observed = used.map(|(platform, endpoints)| async move {
        let answers = if config.has_key(platform) { Some(answers(platforms, platform).await) } else { None };
        let is_asked = answers == Some(Ok(Answers::Works)) && !endpoints.is_empty();
        let called = if is_asked { urls.observe(platform).await } else { Ok(Vec::new()) };
        Elsewhere {
            platform,
            has_endpoints: !endpoints.is_empty(),
            // HeyGen is asked in another way.
            has_key: if platform == Platform::HeyGen {
                config.api_key_secret.is_some()
            } else {
                config.has_key(platform)
            },
            answers,
            without_secret: without_secret(config, secrets, platform, &endpoints).await,
            called,
        }
    });
    stream::iter(observed).buffered(Platform::ALL.len()).collect().await
}

async fn answers(platforms: &Platforms<'_>, platform: Platform) -> Seen<Answers> {
    let kinds = platforms::kinds(platform).iter().filter(|kind| !paths(platform, kind, NO_JOB).is_empty());
    let mut seen = Ok(Answers::Works);
    for kind in kinds.take(MOST_KINDS) {
        seen = match platforms.ask(platform, kind, NO_JOB).await {
            Ok(_) => return Ok(Answers::Works),
            Err(error) => answer(&error),
        };
        if seen != Ok(Answers::Rejected) {
            break;
        }
    }
    seen
}

fn answer(error: &LookUpError) -> Seen<Answers> {
    let problem = match error {
        LookUpError::Key(ApiKeyError::Missing(..)) => return Ok(Answers::KeyMissing),
        LookUpError::Key(ApiKeyError::Aws(error)) => return Err(error.to_string()),
        LookUpError::Call(failed) => failed.problem,
    };
    Ok(match problem {
        // The key was accepted, and the id was not.
        Problem::Refused | Problem::NoCall => Answers::Works,
        Problem::Rejected => Answers::Rejected,
        Problem::Payment => Answers::Payment,
        Problem::RateLimited => Answers::Limited,
        Problem::Settings => Answers::Unusable,
        Problem::Server
        | Problem::Timeout
        | Problem::Connection
        | Problem::NotJson
        | Problem::Redirected
        | Problem::TooLarge
        | Problem::Endless => Answers::Unreachable,
    })
}

/// The endpoints for callbacks whose secret has no value.
async fn without_secret(
    config: &Config,
    client: &Client,
    platform: Platform,
    endpoints: &[&PlatformEndpoint],
) -> Seen<Vec<String>> {
    let mut without = Vec::new();
    let prefix = config.callbacks.secret_prefix.as_deref().unwrap_or_default();
    for endpoint in endpoints.iter().filter(|_| platform.takes_callback_urls()) {
        let stored = secrets::fetch(client, &endpoint.callback_secret(prefix)).await;
        match stored {
            Ok(stored) if stored.as_ref().is_some_and(|stored| stored.current.is_some()) => {}
            Ok(_) | Err(secrets::SecretError::Deleted(_)) => without.push(endpoint.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(without)
}
