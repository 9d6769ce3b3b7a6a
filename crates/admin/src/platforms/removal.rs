//! What is deleted with a stack.

use crate::desired::DesiredWebhook;
use crate::error::Error;
use crate::platforms::Platforms;
use crate::platforms::client::Client;
use crate::platforms::client::Wanted;
use crate::platforms::listed::Listed;
use crate::platforms::plan::{Input, ours};
use crate::webhook_api::{DeliversTo, WebhookApi};
use aws::endpoints::PlatformEndpoint;
use futures::future::join_all;
use std::collections::BTreeSet;
use webhook::Platform;

impl Platforms<'_> {
    /// Deletes the webhooks that this deployment has registered, and the secrets. A failure is only logged: a webhook that a
    /// product uses can be deleted by a person only, and is no reason to keep the stack.
    pub(crate) async fn deregister(&self) {
        let endpoints = &self.config.platforms.endpoints.0;
        let platforms: BTreeSet<_> = endpoints.iter().map(|endpoint| endpoint.platform).collect();
        join_all(platforms.into_iter().map(|platform| self.deregister_platform(platform))).await;
    }

    async fn deregister_platform(&self, platform: Platform) {
        let connected = match DeliversTo::of(platform) {
            DeliversTo::Webhook(api) => Some(self.connect_to_delete(api).await),
            DeliversTo::CallbackUrl => None,
        };
        for endpoint in self.config.platforms.endpoints.0.iter().filter(|endpoint| endpoint.platform == platform) {
            let deleted = match &connected {
                Some(Ok((client, listed))) => self.deregister_webhook(client, listed, endpoint).await,
                Some(Err(error)) => Err(Error::Platform { reason: error.to_string(), class: error.class() }),
                None => match self.callbacks {
                    Some(store) => store.delete(&endpoint.to_string()).await.map_err(Error::from),
                    None => Ok(()),
                },
            };
            if let Err(error) = deleted {
                let class = error.class().as_str();
                tracing::error!(endpoint = %endpoint, %error, class, "not deleted with the stack: delete it by hand");
            }
        }
    }

    async fn connect_to_delete(&self, api: WebhookApi) -> Result<(Client, Listed), Error> {
        let client = self.client(api).await?;
        let listed = client.list().await?;
        Ok((client, listed))
    }

    async fn deregister_webhook(
        &self,
        client: &Client,
        listed: &Listed,
        endpoint: &PlatformEndpoint,
    ) -> Result<(), Error> {
        let stored = self.store.get(&endpoint.to_string()).await?;
        let desired = DesiredWebhook::all_events(endpoint.clone());
        let (url, wanted) = (self.url(endpoint), Wanted::new(client.api, &desired, &self.config.stack));
        let input = Input { api: client.api, desired: &desired, url: &url, wanted: &wanted, stored: &stored, listed };
        for id in ours(&input) {
            client.delete(&id).await?;
        }
        Ok(self.store.delete(&endpoint.to_string()).await?)
    }
}
