//! What may be changed at HeyGen, and how a line of a plan says it.

use aws::secrets::{Pending, PendingChange};
use serde::Serialize;
use std::fmt;
use time::OffsetDateTime;

/// One change of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The endpoint's name here.
    pub endpoint: String,
    /// What is done.
    #[serde(flatten)]
    pub what: ChangeKind,
}

/// What is done with an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ChangeKind {
    /// Completing what an earlier run began, and did not live to store.
    Finish {
        /// What it began.
        begun: PendingKind,
        /// When.
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
    /// One that is at HeyGen already becomes the one that we know.
    Adopt {
        /// HeyGen's id of it.
        endpoint_id: String,
        /// How we come to know its secret.
        secret: SecretFrom,
    },
    /// A new one.
    Create {
        /// Where HeyGen shall post.
        url: String,
        /// The event types; `None` is all.
        events: Option<Vec<String>>,
        /// The one entity that it shall hear of.
        entity_id: Option<String>,
    },
    /// Another URL or other events for the one that is there.
    Update {
        /// HeyGen's id of it.
        endpoint_id: String,
        /// Where HeyGen shall post instead.
        url: Option<String>,
        /// The event types that come in.
        added: Vec<String>,
        /// The event types that go, if there is a list already.
        removed: Option<Vec<String>>,
    },
    /// A new one, and then the old one goes.
    Replace {
        /// HeyGen's id of the old one.
        endpoint_id: String,
        /// Why the old one will not do.
        why: Vec<ReplaceReason>,
        /// The event types of the new one; `None` is all.
        events: Option<Vec<String>>,
        /// The one entity that the new one shall hear of.
        entity_id: Option<String>,
    },
    /// A new secret.
    Rotate {
        /// HeyGen's id of it.
        endpoint_id: String,
        /// Why.
        why: Rotation,
    },
    /// It goes.
    Delete {
        /// HeyGen's id of it.
        endpoint_id: String,
        /// Why.
        why: DeleteReason,
    },
}

/// What was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// A new endpoint.
    Create,
    /// A new secret.
    Rotate,
}

/// Where the secret of an adopted endpoint comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretFrom {
    /// HeyGen's list shows it (v1).
    List,
    /// Someone stored it; HeyGen does not say whether it is the right one.
    Store,
    /// Nobody knows it, so HeyGen makes a new one.
    Rotation,
}

/// Why an endpoint cannot be changed into what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// HeyGen has disabled it.
    Disabled,
    /// From a list of events to all.
    AllEvents,
    /// Another entity.
    EntityScope,
    /// HeyGen's v1 has no call for a new secret.
    SecretInV1,
}

/// Why an endpoint gets a new secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// Nobody knows the one that it has.
    Unknown,
    /// Someone asked for it.
    Asked,
}

/// Why an endpoint of ours goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteReason {
    /// `endpoints.json` does not have its name.
    NotInFile,
    /// `endpoints.json` says that it is not enabled.
    NotEnabled,
    /// There is another with the same URL, which is the one that we know.
    Duplicate,
    /// Another has taken its place: the end of a replacement.
    Replaced,
    /// The whole deployment goes.
    Deregistered,
}

impl Change {
    /// Whether it is done only when deleting was asked for.
    pub fn needs_prune(&self) -> bool {
        matches!(&self.what, ChangeKind::Delete { why, .. } if *why != DeleteReason::Replaced)
    }
}

impl ChangeKind {
    /// Completing what this note says was begun.
    pub(crate) fn finish(pending: &Pending) -> Self {
        let begun = match pending.change {
            PendingChange::Create { .. } => PendingKind::Create,
            PendingChange::Rotate { .. } => PendingKind::Rotate,
        };
        ChangeKind::Finish { begun, since: pending.since }
    }

    /// Its name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            ChangeKind::Finish { .. } => "finish",
            ChangeKind::Adopt { .. } => "adopt",
            ChangeKind::Create { .. } => "create",
            ChangeKind::Update { .. } => "update",
            ChangeKind::Replace { .. } => "replace",
            ChangeKind::Rotate { .. } => "rotate",
            ChangeKind::Delete { .. } => "delete",
        }
    }

    /// The sign that a line of a plan begins with.
    pub fn sign(&self) -> char {
        match self {
            ChangeKind::Finish { .. } | ChangeKind::Update { .. } | ChangeKind::Rotate { .. } => '~',
            ChangeKind::Adopt { .. } | ChangeKind::Create { .. } => '+',
            ChangeKind::Replace { .. } => '±',
            ChangeKind::Delete { .. } => '-',
        }
    }
}

/// The details, after endpoint and name of the change.
impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChangeKind::Finish { begun, since } => {
                let begun = match begun {
                    PendingKind::Create => "the registration",
                    PendingKind::Rotate => "the rotation",
                };
                write!(f, "{begun} that was begun at {}", aws::clock::to_text(*since))
            }
            ChangeKind::Adopt { endpoint_id, secret } => {
                let secret = match secret {
                    SecretFrom::List => "its secret is stored",
                    SecretFrom::Store => "the stored secret is taken to be its own",
                    SecretFrom::Rotation => "it gets a new secret, since nobody knows the one it has",
                };
                write!(f, "{endpoint_id} is at HeyGen already; {secret}")
            }
            ChangeKind::Create { url, events, entity_id } => write!(f, "{url}, {}", Scope(events, entity_id)),
            ChangeKind::Update { endpoint_id, url, added, removed } => {
                write!(f, "{endpoint_id}")?;
                if let Some(url) = url {
                    write!(f, ", now at {url}")?;
                }
                if removed.is_none() && !added.is_empty() {
                    write!(f, ", no longer all events but")?;
                }
                added.iter().try_for_each(|event| write!(f, " +{event}"))?;
                removed.iter().flatten().try_for_each(|event| write!(f, " -{event}"))
            }
            ChangeKind::Replace { endpoint_id, why, events, entity_id } => {
                let why: Vec<_> = why.iter().map(|why| why.words()).collect();
                write!(f, "{endpoint_id} by a new one with {}: {}", Scope(events, entity_id), why.join("; "))
            }
            ChangeKind::Rotate { endpoint_id, why } => {
                let why = match why {
                    Rotation::Unknown => "nobody knows the secret that it has",
                    Rotation::Asked => "a new secret was asked for",
                };
                write!(f, "{endpoint_id}: {why}")
            }
            ChangeKind::Delete { endpoint_id, why } => write!(f, "{endpoint_id}: {}", why.words()),
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

impl ReplaceReason {
    fn words(self) -> &'static str {
        match self {
            ReplaceReason::Disabled => "HeyGen disabled it, and has no call to enable it",
            ReplaceReason::AllEvents => "HeyGen has no call to go from a list of events to all",
            ReplaceReason::EntityScope => "HeyGen has no call to change the entity",
            ReplaceReason::SecretInV1 => "HeyGen's v1 has no call for a new secret",
        }
    }
}

impl DeleteReason {
    fn words(self) -> &'static str {
        match self {
            DeleteReason::NotInFile => "endpoints.json does not have it",
            DeleteReason::NotEnabled => "endpoints.json says that it is not enabled",
            DeleteReason::Duplicate => "another endpoint has the same URL",
            DeleteReason::Replaced => "it was replaced",
            DeleteReason::Deregistered => "the deployment is deleted",
        }
    }
}
