//! The secrets that tokens of callback URLs are made with: made here, and never replaced unless someone asks for it.

use crate::error::Error;
use crate::platforms::random;
use crate::platforms::report::{Change, ChangeKind, PlatformReport};
use crate::store::Store;
use aws::endpoints::PlatformEndpoint;
use aws::secrets::{EndpointSecret, SecretError};
use std::time::Duration;
use time::OffsetDateTime;

/// Makes the first secret, if there is none; without `changes`, it only looks.
pub(crate) async fn sync(
    store: &Store,
    endpoint: &PlatformEndpoint,
    changes: bool,
    report: &mut PlatformReport,
) -> Result<(), Error> {
    let name = endpoint.to_string();
    let stored = match store.get(&name).await {
        Err(SecretError::Deleted(_)) if changes => {
            store.restore(&name).await?;
            report.done.push(Change::new(ChangeKind::Restore));
            store.get(&name).await?
        }
        Err(SecretError::Deleted(_)) => {
            report.left.push(Change::new(ChangeKind::Restore));
            return Ok(());
        }
        stored => stored?,
    };
    report.describe(&stored);
    if stored.current.is_some() {
        return Ok(());
    }
    if !changes {
        report.left.push(Change::new(ChangeKind::CreateSecret));
        return Ok(());
    }
    let now = OffsetDateTime::now_utc();
    let created = EndpointSecret { current: Some(random::secret()?), current_since: Some(now), ..stored };
    store.put(&name, &created).await?;
    report.describe(&created);
    report.done.push(Change::new(ChangeKind::CreateSecret));
    Ok(())
}

/// Makes a new secret. URLs that were made with the one before are accepted for the overlap, unless it is revoked.
pub(crate) async fn rotate(
    store: &Store,
    endpoint: &PlatformEndpoint,
    overlap: Duration,
    revoke: bool,
) -> Result<EndpointSecret, Error> {
    let name = endpoint.to_string();
    let mut stored = store.get(&name).await?;
    let now = OffsetDateTime::now_utc();
    if revoke {
        stored.current = None;
        stored.previous.clear();
    }
    stored.take(random::secret()?, now, now + overlap);
    store.put(&name, &stored).await?;
    Ok(stored)
}
