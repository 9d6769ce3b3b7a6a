//! Proves that an endpoint works: `OPTIONS`, then a probe signed with the stored secret, through the public URL into the
//! table. It does not prove that HeyGen signs with the same secret, which HeyGen does not show.

use crate::checks::Checks;
use crate::config::Config;
use crate::own_url::{self, Response};
use crate::store::Store;
use crate::urls;
use crate::verification::{Answer, Verification};
use aws::jobs::Jobs;
use aws::probe;
use futures::future::join_all;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Method, RequestBuilder};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};
use webhook::{CorrelationId, Secret, Signature, Unverified};

/// How long HeyGen waits for the response to `OPTIONS`, and to a delivery.
const OPTIONS_LIMIT: Duration = Duration::from_secs(1);
const POST_LIMIT: Duration = Duration::from_secs(10);

/// The end of the function's time, kept for the last attempt, which may begin just before it, and for the reply.
const RESERVE: Duration = Duration::from_secs(16);
const PAUSE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(300);

pub(crate) struct Verify<'a> {
    pub(crate) config: &'a Config,
    pub(crate) store: &'a Store,
    pub(crate) jobs: &'a Jobs,
    pub(crate) checks: &'a Checks,
}

impl Verify<'_> {
    /// Verifies these endpoints at the same time, and keeps what was found. Empty if there is no time left for it.
    pub(crate) async fn all(&self, names: &[String]) -> Vec<Verification> {
        let now = Instant::now();
        let patience = now + self.config.settle + self.config.verify_patience;
        let until = match self.config.changes_until.map(|end| end.checked_sub(RESERVE).unwrap_or(now)) {
            Some(end) if end < now + OPTIONS_LIMIT + POST_LIMIT => {
                tracing::warn!("no time left to verify the endpoints");
                return Vec::new();
            }
            end => end.map_or(patience, |end| end.min(patience)),
        };
        let found = join_all(names.iter().map(|name| self.one(name, until))).await;
        for verification in &found {
            if let Err(error) = self.checks.write(verification, OffsetDateTime::now_utc()).await {
                let class = error.class.as_str();
                tracing::warn!(%error, class, endpoint = verification.endpoint, "the verification was not stored");
            }
        }
        found
    }

    /// Tries until the endpoint works, or `until`: right after a change, receivers may still have the secret before.
    async fn one(&self, name: &str, until: Instant) -> Verification {
        loop {
            let found = self.attempt(name, until).await;
            if found.is_verified() || Instant::now() + PAUSE + OPTIONS_LIMIT >= until {
                report(&found);
                return found;
            }
            sleep(PAUSE).await;
        }
    }

    async fn attempt(&self, name: &str, until: Instant) -> Verification {
        let url = self.config.deployment.url_of(name);
        let shown = urls::shown(&url);
        let mut found = Verification {
            endpoint: name.to_owned(),
            url: shown,
            options: None,
            post: None,
            recorded_after_ms: None,
            problem: None,
        };
        let result = self.probe(name, &url, until, &mut found).await;
        found.problem = result.err();
        found
    }

    async fn probe(&self, name: &str, url: &str, until: Instant, found: &mut Verification) -> Result<(), String> {
        let client = own_url::client(url)?;
        let secret = self.secret(name).await?;
        let response = own_url::send(client.request(Method::OPTIONS, url), OPTIONS_LIMIT).await;
        let response = response.map_err(|reason| format!("OPTIONS: {reason}"))?;
        found.options = Some(answer(&response));
        if !(200..300).contains(&response.status) {
            return Err(format!("OPTIONS: status {}, and HeyGen needs 2xx", response.status));
        }
        let probe = Probe::new(&secret)?;
        let started = Instant::now();
        let response = own_url::send(probe.request(&client, url, &self.config.signature_header), POST_LIMIT).await;
        let response = response.map_err(|reason| format!("POST: {reason}"))?;
        found.post = Some(answer(&response));
        probe.check(&response)?;
        while !self.is_recorded(&probe).await? {
            if Instant::now() + POLL >= until {
                let seconds = started.elapsed().as_secs();
                return Err(format!("the probe was accepted, but is not in the table after {seconds} s"));
            }
            sleep(POLL).await;
        }
        found.recorded_after_ms = Some(milliseconds(started.elapsed()));
        Ok(())
    }

    async fn secret(&self, name: &str) -> Result<Secret, String> {
        let stored = self.store.get(name).await.map_err(|error| error.to_string())?;
        stored.current.ok_or("no signing secret is stored".to_owned())
    }

    async fn is_recorded(&self, probe: &Probe) -> Result<bool, String> {
        self.jobs.has(&probe.partition, &probe.item).await.map_err(|error| error.to_string())
    }
}

/// A signed probe, and where its event will be in the table.
struct Probe {
    body: Vec<u8>,
    signature: String,
    identity: String,
    partition: CorrelationId,
    item: String,
}

impl Probe {
    fn new(secret: &Secret) -> Result<Self, String> {
        let body = probe::body(&format!("{:032x}", fastrand::u128(..)));
        let signature = webhook::sign(secret, &body);
        let signatures: Vec<Signature> = signature.parse().into_iter().collect();
        let verified = Unverified::new(body.clone()).verify(&signatures, &[secret]);
        let event = heygen::read(&verified.map_err(|_| "the probe could not be signed")?);
        let (identity, partition, item) =
            (event.identity.as_str().to_owned(), event.place().partition, event.item_key());
        Ok(Probe { body, signature, identity, partition, item })
    }

    fn request(&self, client: &Client, url: &str, signature_header: &str) -> RequestBuilder {
        let request = client.post(url).header(CONTENT_TYPE, "application/json").body(self.body.clone());
        request.header(signature_header, &self.signature)
    }

    /// Only a receiver knows the identity of what it accepted.
    fn check(&self, response: &Response) -> Result<(), String> {
        let status = response.status;
        match response.error_code().filter(|code| code.len() < 40) {
            _ if status == 200 && response.json["identity"] == *self.identity => Ok(()),
            _ if status == 200 => Err("POST: another server responds there, with status 200".to_owned()),
            Some(code) => Err(format!("POST: status {status}, {code}")),
            None => Err(format!("POST: status {status}")),
        }
    }
}

fn answer(response: &Response) -> Answer {
    Answer { status: response.status, milliseconds: milliseconds(response.took) }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn report(found: &Verification) {
    let endpoint = found.endpoint.as_str();
    match &found.problem {
        None => tracing::info!(endpoint, "endpoint verified"),
        Some(reason) => tracing::error!(endpoint, reason, "endpoint not verified"),
    }
}
