//! The description of a deployed stack, local or in an account, as clients need it: `stack.json`.

use crate::error::{Context, Error, Result};
use crate::stack_dir::{Part, StackDir, write_private};
use crate::supervisor;
use serde::{Deserialize, Serialize};
use simulator::Access;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A deployed stack. `make up` writes it to `target/local/stack.json`; for one in an account, write
/// such a file yourself and name it in the environment variable `STACK_JSON`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The URL of the local AWS; null for the real one.
    pub aws_endpoint: Option<String>,
    /// The region, such as `us-east-1`.
    pub region: String,
    /// The base URL of the API, without a trailing slash.
    pub api_url: String,
    /// The table's name.
    pub table: String,
    /// The queue of verified deliveries.
    pub queue_url: String,
    /// The dead-letter queue.
    pub dlq_url: String,
    /// The event bus for job status changes.
    pub bus: String,
    /// The functions' names.
    pub functions: Functions,
    /// The webhook endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The keys of the local AWS's account; null to use those of the environment.
    pub credentials: Option<Credentials>,
    /// The simulated HeyGen that posts to it; null for one in an account.
    pub simulator: Option<Access>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Functions {
    pub receiver: String,
    pub processor: String,
    pub admin: String,
    pub recovery: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub name: String,
    /// The URL that this machine can reach; HeyGen may have another one.
    pub url: String,
    /// The name of the Secrets Manager secret with its signing secret.
    pub secret: String,
}

/// An account's keys. `Debug` does not show the secret one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl Credentials {
    pub(crate) fn to_sdk(&self) -> aws_credential_types::Credentials {
        aws_credential_types::Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "stack.json")
    }
}

impl Stack {
    /// The keys of `stack.json`, else those of the environment.
    pub fn aws_credentials(&self) -> Result<aws_credential_types::Credentials> {
        if let Some(keys) = &self.credentials {
            return Ok(keys.to_sdk());
        }
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| Error::Failed(format!("{name} is not set, and stack.json has no keys")))
        };
        let session = std::env::var("AWS_SESSION_TOKEN").ok();
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        Ok(aws_credential_types::Credentials::new(id, secret, session, None, "environment"))
    }

    /// The stack of `STACK_JSON`, else the one that `make up` or `make run` started.
    pub fn load() -> Result<Self> {
        match named() {
            Some(path) => Self::read(&path),
            // A crash may have left the file.
            None if supervisor::running(&StackDir::main(), Part::Aws)?.is_none() => {
                Err(Error::failed("no local stack is running: run `make up` first"))
            }
            None => Self::read(&StackDir::main().stack_json()),
        }
    }

    /// The stack that a file describes.
    pub fn read(path: &Path) -> Result<Self> {
        let what = format!("Reading {}", path.display());
        serde_json::from_slice(&fs::read(path).context(&what)?).context(&what)
    }

    /// Writes it to a stack's directory.
    pub fn save(&self, place: &StackDir) -> Result<()> {
        let json = serde_json::to_vec_pretty(self).context("Writing the stack as JSON")?;
        write_private(&place.stack_json(), &json)
    }

    /// The endpoint of that name.
    pub fn endpoint(&self, name: &str) -> Result<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name).ok_or_else(|| {
            let names: Vec<_> = self.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
            Error::Failed(format!("unknown endpoint {name:?} (configured: {})", names.join(", ")))
        })
    }
}

/// The file that `STACK_JSON` names.
pub fn named() -> Option<PathBuf> {
    std::env::var_os("STACK_JSON").filter(|name| !name.is_empty()).map(Into::into)
}
