//! A new secret, because someone asks for it.

use crate::error::Error;
use crate::parameter;
use crate::platforms::report::{Change, ChangeKind, PlatformReport, Reason};
use crate::platforms::{Platforms, Run, callbacks, fail, finish, no_callbacks};
use crate::urls;
use crate::webhook_api::{DeliversTo, WebhookApi};
use aws::endpoints::PlatformEndpoint;
use aws::secrets::EndpointSecret;
use webhook::ErrorClass;

impl Platforms<'_> {
    /// Gives an endpoint a new secret.
    pub(crate) async fn rotate(
        &self,
        endpoint: &PlatformEndpoint,
        revoke: bool,
    ) -> Result<(PlatformReport, EndpointSecret), Error> {
        let reason = if revoke { Reason::Revoked } else { Reason::Requested };
        match DeliversTo::of(endpoint.platform) {
            DeliversTo::Webhook(api) => self.replace_webhook(api, endpoint, reason).await,
            DeliversTo::CallbackUrl => self.rotate_callback_secret(endpoint, revoke, reason).await,
        }
    }

    async fn rotate_callback_secret(
        &self,
        endpoint: &PlatformEndpoint,
        revoke: bool,
        reason: Reason,
    ) -> Result<(PlatformReport, EndpointSecret), Error> {
        let mut report = PlatformReport::new(endpoint);
        let store = self.callbacks.ok_or_else(no_callbacks)?;
        let overlap = self.config.platforms.callback_overlap;
        let stored = callbacks::rotate(store, endpoint, overlap, revoke).await?;
        report.describe(&stored);
        report.done.push(Change { reason: Some(reason), ..Change::new(ChangeKind::RotateSecret) });
        Ok((report, stored))
    }

    async fn replace_webhook(
        &self,
        api: WebhookApi,
        endpoint: &PlatformEndpoint,
        reason: Reason,
    ) -> Result<(PlatformReport, EndpointSecret), Error> {
        let mut report = PlatformReport::new(endpoint);
        report.url = Some(urls::shown(&self.url(endpoint)));
        let client = self.client(api).await?;
        let desired = parameter::desired(self.config, self.store).await?.webhooks;
        let desired = desired.iter().find(|desired| desired.endpoint == *endpoint && desired.enabled);
        let desired = desired.ok_or_else(|| Error::Platform {
            reason: format!("{endpoint} is not enabled in endpoints.json: enable it first"),
            class: ErrorClass::Permanent,
        })?;
        let listed = client.list().await?;
        let run = Run::Sync { prune: false };
        let Some(mut signed) = self.signed(&client, listed, desired, run, &mut report).await? else {
            return Ok((report, EndpointSecret::default()));
        };
        if signed.plan().is_hidden {
            let title = endpoint.platform.title();
            let reason =
                format!("a webhook in {title}'s list that could not be read may be {endpoint}: it is left alone");
            return Err(Error::Platform { reason, class: ErrorClass::Permanent });
        }
        signed.make(Change { reason: Some(reason), ..Change::new(ChangeKind::Create) }).await?;
        // What is left now, such as a deletion, is no reason to say that there is no new secret.
        let result = signed.sync(false, Ok(())).await;
        let stored = signed.stored.clone();
        finish(signed, &mut report);
        fail(&mut report, result);
        Ok((report, stored))
    }
}
