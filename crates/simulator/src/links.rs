//! Links to results, which are pre-signed and expire.

use crate::World;
use crate::clock::compact;
use crate::{lock, random};
use time::OffsetDateTime;

/// Makes links that are signed at one time.
pub(crate) struct Links {
    signed_at: OffsetDateTime,
    /// In seconds.
    lifetime: u64,
}

impl World {
    /// Links that are signed now.
    pub(crate) fn links(&self) -> Links {
        Links { signed_at: self.clock.now(), lifetime: lock(&self.settings).link_lifetime.as_secs() }
    }
}

impl Links {
    /// A link to a file, which is another one each time.
    pub(crate) fn to(&self, name: &str, extension: &str) -> String {
        let (date, lifetime, signature) = (compact(self.signed_at), self.lifetime, random::opaque());
        let query = format!("X-Amz-Date={date}&X-Amz-Expires={lifetime}&X-Amz-Signature={signature}");
        format!("https://files.example.invalid/{name}.{extension}?{query}")
    }
}
