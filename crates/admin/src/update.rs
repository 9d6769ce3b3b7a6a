//! When an update of the stack fails.
//!
//! CloudFormation follows a failed update with another one, back to the old properties. It does not say that this is a
//! rollback, and if it fails as well, the stack can no longer be updated. So an update fails only where its rollback
//! cannot:
//!
//! - `endpoints.json` is invalid. The old one was accepted when it was deployed.
//! - HeyGen rejects what is new in `endpoints.json`, and has everything that the old one asks for. To the rollback, the
//!   old file is the one that HeyGen has just rejected.
//!
//! Everything else, such as an outage, a wrong API key or an error in the parameter of SSM that holds `endpoints.json`, may
//! meet the rollback, too. It is reported, and left to the next sync.

use crate::action::SyncOptions;
use crate::app::App;
use crate::desired::desired;
use crate::error::Error;
use aws::endpoints::names;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The properties of the template's resource `Registration`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Properties {
    /// Comma-separated names.
    endpoints: String,
    endpoints_json: String,
    /// Those of other platforms; `None` in a template without them.
    platform_endpoints: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

pub(crate) async fn update(app: &App, new: &Properties, old: &Properties) -> Result<String, Error> {
    let sync = async {
        let text = app.sync(&SyncOptions::default()).await?.to_string();
        delete_secrets_of_removed(app, old).await;
        Ok(text)
    };
    let error = match app.alone("an update of the stack", sync).await {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    if is_invalid(app, new) || error.is_rejection_by_heygen() && has_nothing_to_roll_back(app, new, old).await {
        return Err(error);
    }
    Ok(not_applied(&error))
}

/// Judged by the request and not by the function's variables, which a rollback may not have changed back yet.
fn is_invalid(app: &App, new: &Properties) -> bool {
    let own = app.config().platforms.endpoints.clone();
    let others = new.platform_endpoints.as_ref().map_or(Ok(own), |list| list.parse());
    others.map_or(true, |others| desired(&new.endpoints_json, &names(&new.endpoints), &others).is_err())
}

async fn has_nothing_to_roll_back(app: &App, new: &Properties, old: &Properties) -> bool {
    new.others == old.others
        && new.platform_endpoints == old.platform_endpoints
        && app.is_in_place(&old.endpoints, &old.endpoints_json).await.unwrap_or(false)
}

/// The reason comes last, because a long text is cut.
pub(crate) fn not_applied(error: &Error) -> String {
    tracing::error!(%error, class = error.class().as_str(), "deployed, but not applied");
    format!(
        "Deployed, but not applied at HeyGen. The next scheduled sync tries again; without SyncSchedule, invoke admin with \
         {{\"action\": \"sync\"}}. Reason: {error}"
    )
}

/// A failure is only logged: a secret that is left is no reason to roll back.
async fn delete_secrets_of_removed(app: &App, old: &Properties) {
    if let Err(error) = app.delete_secrets_of_removed(&names(&old.endpoints)).await {
        let class = error.class().as_str();
        tracing::warn!(%error, class, "could not delete the secrets of removed endpoints");
    }
}
