//! The changes that can be made at HeyGen, and how a plan describes them.

use aws::secrets::{Pending, PendingChange};
use serde::Serialize;
use std::fmt;
use time::OffsetDateTime;

/// A change of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The endpoint's name in `endpoints.json`.
    pub endpoint: String,
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// `endpoint_id` is HeyGen's id everywhere; no `events` means all, and no `entity_id` every entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ChangeKind {
    /// Completes a change that an earlier run started and whose outcome was never stored.
    Finish {
        pending: PendingKind,
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        /// Whether no earlier secret is accepted after it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        revoke: bool,
    },
    /// Takes over an endpoint that already exists at HeyGen.
    Adopt {
        endpoint_id: String,
        secret: SecretSource,
    },
    /// Restores the endpoint's secret, which is scheduled for deletion and cannot be read.
    Restore {},
    Create {
        url: String,
        events: Option<Vec<String>>,
        entity_id: Option<String>,
    },
    Update {
        endpoint_id: String,
        /// The new URL, if it changes.
        url: Option<String>,
        added: Vec<String>,
        /// `None` if the endpoint had no list of events.
        removed: Option<Vec<String>>,
    },
    /// Creates a new endpoint, then deletes the old one, whose id this is.
    Replace {
        endpoint_id: String,
        reasons: Vec<ReplaceReason>,
        events: Option<Vec<String>>,
        entity_id: Option<String>,
    },
    Rotate {
        endpoint_id: String,
        reason: RotateReason,
    },
    Delete {
        endpoint_id: String,
        reason: DeleteReason,
    },
}

/// A change with a note in the endpoint's stored secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    Create,
    Rotate,
}

/// Where the secret of an adopted endpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// HeyGen's list shows it (v1).
    List,
    /// Someone stored it by hand; HeyGen does not show whether it is the right one.
    Store,
    /// It is unknown, so the endpoint gets a new one.
    Rotation,
}

/// Why an endpoint has to be replaced: HeyGen has no call for the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// HeyGen disabled it.
    Disabled,
    /// It has a list of events, and all events are configured.
    AllEvents,
    /// It is limited to another entity.
    EntityScope,
    /// v1 cannot rotate a secret.
    SecretInV1,
    /// Its secret is known to others: no earlier secret is accepted after it.
    Revoked,
    /// v1 cannot rotate a secret, and this one is older than configured, or of unknown age.
    SecretAge,
}

/// Why an endpoint gets a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateReason {
    SecretUnknown,
    Requested,
    /// It is known to others: no earlier secret is accepted after it.
    Revoked,
    /// It is older than configured, or of unknown age.
    Age,
}

/// Why one of our endpoints is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteReason {
    /// `endpoints.json` does not have its name.
    NotInFile,
    /// `endpoints.json` has it with `"enabled": false`.
    NotEnabled,
    /// Another endpoint, the registered one, has the same URL.
    Duplicate,
    /// The last step of a replacement.
    Replaced,
    /// Someone named it by its id.
    Requested,
    /// The stack is deleted, and `DeregisterOnDelete` is true.
    Deregistered,
}

impl Change {
    /// Whether a sync makes it only with `prune`.
    pub fn needs_prune(&self) -> bool {
        matches!(&self.kind, ChangeKind::Delete { reason, .. } if *reason != DeleteReason::Replaced)
    }

    /// Whether a sync makes it only with `adopt`.
    pub fn needs_adopt(&self) -> bool {
        self.kind.takes_a_secret_away()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", self.endpoint, self.kind.name(), self.kind)
    }
}

impl ChangeKind {
    /// Completes the change of this note; with `revoke`, so that no earlier secret is accepted after it.
    pub(crate) fn finish(note: &Pending, revoke: bool) -> Self {
        let pending = match note.change {
            PendingChange::Create { .. } => PendingKind::Create,
            PendingChange::Rotate { .. } => PendingKind::Rotate,
        };
        ChangeKind::Finish { pending, since: note.since, revoke: note.revoke || revoke }
    }

    /// Whether no earlier secret is accepted after it.
    pub(crate) fn revokes(&self) -> bool {
        match self {
            ChangeKind::Finish { revoke, .. } => *revoke,
            ChangeKind::Rotate { reason, .. } => *reason == RotateReason::Revoked,
            ChangeKind::Replace { reasons, .. } => reasons.contains(&ReplaceReason::Revoked),
            _ => false,
        }
    }

    /// Whether it comes first, on its own: the other changes depend on what it stores or makes readable.
    pub(crate) fn comes_first(&self) -> bool {
        matches!(self, ChangeKind::Finish { .. } | ChangeKind::Restore {})
    }

    /// Whether another deployment may lose the secret that it has.
    pub(crate) fn takes_a_secret_away(&self) -> bool {
        matches!(self, ChangeKind::Adopt { secret: SecretSource::Rotation, .. })
    }

    /// Whether HeyGen gets a new URL for the endpoint, which it may probe.
    pub(crate) fn gives_a_url(&self) -> bool {
        matches!(self, ChangeKind::Create { .. } | ChangeKind::Replace { .. } | ChangeKind::Update { url: Some(_), .. })
    }

    /// HeyGen's id of the endpoint that it changes; `None` where there is no such endpoint yet.
    pub(crate) fn endpoint_id(&self) -> Option<&String> {
        match self {
            ChangeKind::Adopt { endpoint_id, .. }
            | ChangeKind::Update { endpoint_id, .. }
            | ChangeKind::Replace { endpoint_id, .. }
            | ChangeKind::Rotate { endpoint_id, .. }
            | ChangeKind::Delete { endpoint_id, .. } => Some(endpoint_id),
            ChangeKind::Finish { .. } | ChangeKind::Restore {} | ChangeKind::Create { .. } => None,
        }
    }

    /// The name in JSON, in the log and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            ChangeKind::Finish { .. } => "finish",
            ChangeKind::Restore {} => "restore",
            ChangeKind::Adopt { .. } => "adopt",
            ChangeKind::Create { .. } => "create",
            ChangeKind::Update { .. } => "update",
            ChangeKind::Replace { .. } => "replace",
            ChangeKind::Rotate { .. } => "rotate",
            ChangeKind::Delete { .. } => "delete",
        }
    }

    /// The sign at the start of a plan's line.
    pub fn sign(&self) -> char {
        match self {
            ChangeKind::Finish { .. } | ChangeKind::Update { .. } | ChangeKind::Rotate { .. } => '~',
            ChangeKind::Adopt { .. } | ChangeKind::Restore {} | ChangeKind::Create { .. } => '+',
            ChangeKind::Replace { .. } => '±',
            ChangeKind::Delete { .. } => '-',
        }
    }
}

/// The details of a change, after the endpoint's name and its own.
impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeKind::Finish { pending, since, revoke } => {
                let and = if *revoke { ", and revokes earlier secrets" } else { "" };
                write!(f, "the {} started at {}{and}", pending.describe(), aws::clock::to_text(*since))
            }
            ChangeKind::Adopt { endpoint_id, secret } => {
                write!(f, "{endpoint_id} already exists at HeyGen; {}", secret.describe())
            }
            ChangeKind::Restore {} => write!(f, "its secret, which is scheduled for deletion"),
            ChangeKind::Create { url, events, entity_id } => write!(f, "{url}, {}", Scope(events, entity_id)),
            ChangeKind::Update { endpoint_id, url, added, removed } => {
                write!(f, "{endpoint_id}")?;
                if let Some(url) = url {
                    write!(f, ", new URL {url}")?;
                }
                match removed {
                    None if added.is_empty() => Ok(()),
                    None => write!(f, ", instead of all events only {}", added.join(" ")),
                    Some(removed) => {
                        added.iter().try_for_each(|event| write!(f, " +{event}"))?;
                        removed.iter().try_for_each(|event| write!(f, " -{event}"))
                    }
                }
            }
            ChangeKind::Replace { endpoint_id, reasons, events, entity_id } => {
                let reasons: Vec<_> = reasons.iter().map(|reason| reason.describe()).collect();
                write!(
                    f,
                    "{endpoint_id} with a new endpoint for {}: {}; deletes {endpoint_id} first if HeyGen accepts only one endpoint per URL",
                    Scope(events, entity_id),
                    reasons.join("; ")
                )
            }
            ChangeKind::Rotate { endpoint_id, reason } => write!(f, "{endpoint_id}: {}", reason.describe()),
            ChangeKind::Delete { endpoint_id, reason } => write!(f, "{endpoint_id}: {}", reason.describe()),
        }
    }
}

struct Scope<'a>(&'a Option<Vec<String>>, &'a Option<String>);

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => write!(f, "all events")?,
            Some(events) => write!(f, "{}", events.join(" "))?,
        }
        self.1.as_ref().map_or(Ok(()), |entity| write!(f, " of {entity}"))
    }
}

impl PendingKind {
    fn describe(self) -> &'static str {
        match self {
            PendingKind::Create => "registration",
            PendingKind::Rotate => "rotation",
        }
    }
}

impl SecretSource {
    fn describe(self) -> &'static str {
        match self {
            SecretSource::List => "its secret is copied from HeyGen's list",
            SecretSource::Store => "the stored secret is assumed to be its secret",
            SecretSource::Rotation => {
                "this deployment does not have its secret, so it gets a new one; another deployment that has the old one can no longer verify its deliveries"
            }
        }
    }
}

impl ReplaceReason {
    fn describe(self) -> &'static str {
        match self {
            ReplaceReason::Disabled => "HeyGen disabled it and cannot enable it again",
            ReplaceReason::AllEvents => "HeyGen cannot change a list of events to all events",
            ReplaceReason::EntityScope => "HeyGen cannot change the entity",
            ReplaceReason::SecretInV1 => "HeyGen's API v1 cannot rotate a secret",
            ReplaceReason::Revoked => "its secret is revoked",
            ReplaceReason::SecretAge => {
                "its secret is older than MaxSecretDays, or of unknown age, and API v1 cannot rotate it"
            }
        }
    }
}

impl RotateReason {
    fn describe(self) -> &'static str {
        match self {
            RotateReason::SecretUnknown => "its secret is unknown",
            RotateReason::Requested => "a new secret was requested",
            RotateReason::Revoked => "its secret is revoked",
            RotateReason::Age => "its secret is older than MaxSecretDays, or of unknown age",
        }
    }
}

impl DeleteReason {
    fn describe(self) -> &'static str {
        match self {
            DeleteReason::NotInFile => "not in endpoints.json",
            DeleteReason::NotEnabled => "not enabled in endpoints.json",
            DeleteReason::Duplicate => "another endpoint has the same URL",
            DeleteReason::Replaced => "it was replaced",
            DeleteReason::Requested => "its deletion was requested",
            DeleteReason::Deregistered => "the stack is deleted",
        }
    }
}
