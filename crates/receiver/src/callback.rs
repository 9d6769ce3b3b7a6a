//! One callback, from the request to the queue of what there is to look up: check the token, enqueue, respond.

use crate::app::{App, Request, any_untried, valid};
use crate::report::Handled;
use crate::response::Rejection;
use aws::claim::Claim;
use aws::endpoints::PlatformEndpoint;
use time::OffsetDateTime;
use webhook::callback::{Callback, Claimed, Token};
use webhook::{CorrelationId, Unverified};

impl App {
    /// A wrong token is an unknown path, so that nothing is learned from the response.
    pub(crate) async fn call_back(
        &self,
        callback: Callback,
        token: &Token,
        request: Request,
    ) -> Result<Handled, Rejection> {
        let received_at = OffsetDateTime::now_utc();
        let Some(callbacks) = &self.callbacks else { return Err(Rejection::UnknownPath) };
        // Whatever the body is: it is only asked for an id.
        let body = request.body.unwrap_or_else(|_| Unverified::new(Vec::new()));
        let endpoint = PlatformEndpoint { platform: callback.platform, name: callback.endpoint.clone() };
        let secret = endpoint.callback_secret(&callbacks.prefix);
        let claimed = self.claim(callback, token, &secret, body, received_at).await?;
        let correlation = CorrelationId::of(&claimed.callback().correlation);
        tracing::Span::current().record("correlation_id", correlation.as_str());
        let claim = Claim { claimed, received_at, request_id: request.request_id };
        callbacks.queue.send(claim.seal()).await.map_err(|error| {
            tracing::error!(%error, class = error.class.as_str(), "the callback could not be enqueued");
            Rejection::QueueUnavailable
        })?;
        Ok(Handled::Callback(claim))
    }

    /// A mismatch is final only if it was checked against the secret that is stored now.
    async fn claim(
        &self,
        callback: Callback,
        token: &Token,
        secret: &str,
        body: Unverified,
        now: OffsetDateTime,
    ) -> Result<Claimed, Rejection> {
        let id_names = platforms::claimed_ids(callback.platform, &callback.kind);
        let cached = self.secret(secret).await?;
        let tried = valid(cached.as_ref(), now);
        let (callback, body) = match callback.claim(token, &tried, body, id_names) {
            Ok(claimed) => return Ok(claimed),
            Err(back) => back,
        };
        let stored = self.refreshed_secret(secret).await?;
        let secrets = valid(stored.as_ref(), now);
        if !any_untried(&secrets, &tried) {
            return Err(Rejection::UnknownPath);
        }
        callback.claim(token, &secrets, body, id_names).map_err(|_| Rejection::UnknownPath)
    }
}
