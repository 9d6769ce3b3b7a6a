//! Links to results, which are pre-signed and expire, and the files that they lead to.

use crate::World;
use crate::clock::{compact, read_compact};
use crate::random;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use heygen::Secret;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use webhook::Platform;

const FILE: &str = "/files/{name}";
/// That of the newer scheme, and of the older one.
const SIGNATURES: [&str; 2] = ["&X-Amz-Signature=", "&Signature="];

/// Makes links that are signed at one time.
pub(crate) struct Links {
    /// Of the simulator, without a trailing slash.
    base: String,
    secret: Secret,
    signed_at: OffsetDateTime,
    lifetime: std::time::Duration,
    platform: Platform,
}

impl World {
    /// Links of a platform that are signed now.
    pub(crate) fn links(&self, platform: Platform) -> Links {
        Links {
            base: self.url.get().cloned().unwrap_or_default(),
            secret: self.link_secret.clone(),
            signed_at: self.clock.now(),
            lifetime: self.site(platform).options().link_lifetime,
            platform,
        }
    }

    fn allows(&self, link: &str) -> Option<bool> {
        let (signed, signature) = SIGNATURES.iter().find_map(|name| link.split_once(name))?;
        let field = |name: &str| {
            let mut pairs = signed.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let expires_at = match field("Expires") {
            Some(seconds) => OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()?,
            None => read_compact(field("X-Amz-Date")?)? + Duration::seconds(field("X-Amz-Expires")?.parse().ok()?),
        };
        Some(self.clock.now() < expires_at && heygen::sign(&self.link_secret, signed.as_bytes()) == signature)
    }
}

impl Links {
    /// A link to a file, which is another one each time. D-ID's are in an older scheme than the others.
    pub(crate) fn to(&self, name: &str, extension: &str) -> String {
        let (date, token) = (compact(self.signed_at), random::opaque());
        let [newer, older] = SIGNATURES;
        let (query, signature) = match self.platform {
            Platform::Did => {
                let until = (self.signed_at + self.lifetime).unix_timestamp();
                (format!("Expires={until}&Key-Pair-Id={token}"), older)
            }
            _ => {
                let lifetime = self.lifetime.as_secs();
                (format!("X-Amz-Date={date}&X-Amz-Expires={lifetime}&X-Amz-Security-Token={token}"), newer)
            }
        };
        let signed = format!("{}?{query}", FILE.replace("{name}", &format!("{name}.{extension}")));
        format!("{}{signed}{signature}{}", self.base, heygen::sign(&self.secret, signed.as_bytes()))
    }
}

/// Whoever has a link can fetch the file until the link expires. Then it is 403, as S3 says.
pub(crate) fn router() -> Router<Arc<World>> {
    let fetch = async |State(world): State<Arc<World>>, uri: Uri| match world.allows(&uri.to_string()) {
        Some(true) => (StatusCode::OK, "a simulated file"),
        _ => (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
    };
    Router::new().route(FILE, get(fetch))
}
