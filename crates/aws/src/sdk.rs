//! SDK clients that start fast: they skip the searches of `aws-config`.

use crate::env::{ConfigError, Env};
use crate::signed::{Calls, Service};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{SharedCredentialsProvider, error::CredentialsError, future};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, ProvideCredentials, Region, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a client tries. An operation includes all attempts and the waits between them.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub attempts: u32,
    pub attempt: Duration,
    pub operation: Duration,
}

impl Timeouts {
    /// For a caller that waits: a delivery needs a response within 5 s, and takes two calls at most.
    pub const SHORT: Timeouts =
        Timeouts { attempts: 2, attempt: Duration::from_millis(1_000), operation: Duration::from_millis(2_100) };
    /// For work that only a queue waits for.
    pub const LONG: Timeouts =
        Timeouts { attempts: 3, attempt: Duration::from_secs(4), operation: Duration::from_secs(10) };

    pub(crate) fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.attempt)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }
}

#[derive(Debug, Clone)]
pub struct Sdk {
    region: Region,
    endpoints: BTreeMap<&'static str, String>,
    credentials: SharedCredentialsProvider,
    http: SharedHttpClient,
    timeouts: Timeouts,
}

const SQS: &str = "SQS";
const DYNAMODB: &str = "DYNAMODB";
const SECRETS_MANAGER: &str = "SECRETS_MANAGER";

/// As `AWS_ENDPOINT_URL_…` names them.
const SERVICES: [&str; 8] = [
    SQS,
    DYNAMODB,
    SECRETS_MANAGER,
    Service::CloudWatch.id(),
    Service::Lambda.id(),
    Service::Pipes.id(),
    Service::Sns.id(),
    Service::Ssm.id(),
];

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";

/// One SDK crate's client from the shared parts: the crates have the same builder, but no common type for it.
macro_rules! client {
    ($sdk:ident, $service:expr, $self:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region($self.region.clone())
            .credentials_provider($self.credentials.clone())
            .http_client($self.http.clone())
            .retry_config(RetryConfig::standard().with_max_attempts($self.timeouts.attempts))
            .timeout_config($self.timeouts.config());
        config.set_endpoint_url($self.endpoints.get($service).cloned());
        $sdk::Client::from_conf(config.build())
    }};
}

impl Sdk {
    /// From the variables that Lambda sets; see the crate's documentation. The error names all that are missing.
    pub fn from_env(timeouts: Timeouts) -> Result<Self, ConfigError> {
        let mut env = Env::from_process();
        let endpoints = SERVICES
            .into_iter()
            .filter_map(|service| {
                let url = env.text(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| env.text("AWS_ENDPOINT_URL"))?;
                Some((service, url))
            })
            .collect();
        let region = env.required::<String>("AWS_REGION").map(Region::new);
        let (id, secret) = (env.required::<String>(ACCESS_KEY_ID), env.required::<String>(SECRET_ACCESS_KEY));
        let credentials = SharedCredentialsProvider::new(FromEnv);
        let sdk = region.zip(id).zip(secret).map(|((region, _), _)| Sdk {
            region,
            endpoints,
            credentials,
            http: http_client(),
            timeouts,
        });
        env.finish(sdk)
    }

    /// For tools: `endpoint` is a local AWS's, or `None` for the real one.
    pub fn new(region: &str, endpoint: Option<&str>, credentials: Credentials) -> Self {
        let endpoints = SERVICES.into_iter().filter_map(|service| Some((service, endpoint?.to_owned()))).collect();
        Sdk {
            region: Region::new(region.to_owned()),
            endpoints,
            credentials: SharedCredentialsProvider::new(credentials),
            http: http_client(),
            timeouts: Timeouts::LONG,
        }
    }

    #[cfg(feature = "stub")]
    pub(crate) fn over(self, http: SharedHttpClient, timeouts: Timeouts) -> Self {
        Sdk { http, timeouts, ..self }
    }

    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(aws_sdk_sqs, SQS, self)
    }

    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(aws_sdk_dynamodb, DYNAMODB, self)
    }

    pub fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        client!(aws_sdk_secretsmanager, SECRETS_MANAGER, self)
    }

    /// Calls of the services that have no client here.
    pub fn calls(&self) -> Calls {
        let (region, credentials, http) = (self.region.clone(), self.credentials.clone(), self.http.clone());
        Calls { region, endpoints: self.endpoints.clone(), credentials, http, timeouts: self.timeouts }
    }
}

/// Credentials from Lambda's variables, read each time the SDK asks. No other source is searched.
#[derive(Debug)]
struct FromEnv;

impl ProvideCredentials for FromEnv {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let env = Env::from_process();
        let credentials = match (env.text(ACCESS_KEY_ID), env.text(SECRET_ACCESS_KEY)) {
            (Some(id), Some(secret)) => {
                Ok(Credentials::new(id, secret, env.text("AWS_SESSION_TOKEN"), None, "environment"))
            }
            _ => Err(CredentialsError::not_loaded("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")),
        };
        future::ProvideCredentials::ready(credentials)
    }
}

/// HTTPS with ring and embedded roots: a directory of native roots costs 4 ms of a cold start.
fn http_client() -> SharedHttpClient {
    let own_roots = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    let roots = if own_roots {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(include_bytes!("../roots/amazon.pem").as_slice())
    };
    let builder = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        Err(_) => builder.build_https(),
    }
}
