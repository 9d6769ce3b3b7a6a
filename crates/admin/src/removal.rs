//! What is deleted with a stack or with a name of it: endpoints at HeyGen and secrets.

use crate::app::App;
use crate::change::{Change, ChangeKind, DeleteReason};
use crate::error::Error;
use crate::ownership::owner;
use aws::secrets::{PendingChange, SecretError};
use futures::future::join;
use heygen::api::{ApiError, Kind};
use std::collections::{BTreeMap, BTreeSet};

impl App {
    /// Deletes all of our endpoints at HeyGen, then their secrets.
    pub(crate) async fn deregister(&self) -> Result<Vec<Change>, Error> {
        self.platforms().deregister().await;
        if self.config.leaves_heygen_alone() {
            return Ok(Vec::new());
        }
        let api = self.api().await?;
        let snapshot = self.existing(&api).await?;
        let ours = snapshot.endpoints.iter().filter_map(|endpoint| {
            let kind = ChangeKind::Delete { endpoint_id: endpoint.id.clone(), reason: DeleteReason::Deregistered };
            Some(Change { endpoint: snapshot.owner(&self.config, endpoint)?, kind })
        });
        // An endpoint that cannot be read is ours if it is registered.
        let hidden = snapshot.hidden.iter().filter_map(|name| {
            let endpoint_id = snapshot.stored.get(name)?.registered.as_ref()?.endpoint_id.clone();
            let kind = ChangeKind::Delete { endpoint_id, reason: DeleteReason::Deregistered };
            Some(Change { endpoint: name.clone(), kind })
        });
        let changes: Vec<_> = ours.chain(hidden).collect();
        let done = self.apply(&api, &snapshot, &changes).await.done()?;
        for name in self.config.deployment.names() {
            self.store.delete(name).await?;
        }
        Ok(done)
    }

    /// Deletes the secrets of these names if they were removed from the deployment and HeyGen has no endpoint for them.
    pub(crate) async fn delete_secrets_of_removed(&self, names: &[String]) -> Result<(), Error> {
        let removed: Vec<_> = names.iter().filter(|name| self.config.deployment.has_removed(name)).collect();
        if removed.is_empty() || self.config.leaves_heygen_alone() {
            return Ok(());
        }
        let list = self.api().await?.endpoints().readable().await?;
        if !list.unreadable.is_empty() {
            // One of them may be an endpoint of these names. The next update or a person deletes the secrets.
            return Ok(());
        }
        for name in removed {
            let stored = match self.store.get(name).await {
                Ok(stored) => [(name.clone(), stored)].into(),
                Err(SecretError::Malformed(_) | SecretError::Deleted(_)) => BTreeMap::new(),
                Err(error) => return Err(error.into()),
            };
            let has_name = |endpoint| owner(&self.config.deployment, &stored, endpoint).as_ref() == Some(name);
            if !list.elements.iter().any(has_name) {
                self.store.delete(name).await?;
            }
        }
        Ok(())
    }

    /// Deletes the endpoints that a failed creation of the stack has registered: those of these `names`, and those that
    /// a note says may have been created. Then it deletes their secrets.
    pub(crate) async fn delete_created(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        join(self.delete_created_at_heygen(names), self.platforms().deregister()).await.0
    }

    async fn delete_created_at_heygen(&self, names: &BTreeSet<String>) -> Result<(), Error> {
        if self.config.leaves_heygen_alone() {
            return Ok(());
        }
        let api = self.api().await?;
        let snapshot = self.existing(&api).await?;
        for (name, stored) in &snapshot.stored {
            let registered = stored.registered.iter().map(|registered| registered.endpoint_id.clone());
            let mut created: Vec<_> = registered.filter(|_| names.contains(name)).collect();
            let pending = stored.pending.as_ref().map(|pending| &pending.change);
            if let Some(PendingChange::Create { known, .. }) = pending {
                let candidates = snapshot.candidates(&self.config, name).map(|endpoint| endpoint.id.clone());
                created.extend(candidates.filter(|id| !known.contains(id)));
            } else if created.is_empty() {
                continue;
            }
            if snapshot.hidden.contains(name) {
                return Err(Error::Hidden(name.clone()));
            }
            for endpoint_id in created {
                match api.delete_endpoint(&endpoint_id).await {
                    Ok(()) | Err(ApiError { kind: Kind::NotFound, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.store.delete(name).await?;
        }
        Ok(())
    }
}
