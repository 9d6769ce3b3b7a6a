//! The local AWS that the environment variable `LOCAL_AWS` names.

mod localstack;
mod ministack;

use crate::error::{Error, Result};
use crate::stack::Credentials;
use crate::supervisor::Program;
use crate::tools::Tools;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// MiniStack: a Python program, no containers. The default.
    MiniStack,
    /// LocalStack: a container. It is not part of CI, and untested.
    LocalStack,
}

/// How to start one at a port.
#[derive(Debug)]
pub struct Launch {
    pub program: Program,
    /// Its URL.
    pub endpoint: String,
    /// A path with status 200 once it is ready.
    pub health: &'static str,
    pub credentials: Credentials,
}

impl Backend {
    /// From `LOCAL_AWS`: `ministack` or `localstack`.
    pub fn from_env() -> Result<Self> {
        match std::env::var("LOCAL_AWS").unwrap_or_default().as_str() {
            "" | "ministack" => Ok(Backend::MiniStack),
            "localstack" => Ok(Backend::LocalStack),
            other => {
                Err(Error::Failed(format!("LOCAL_AWS is {other:?}, but has to be \"ministack\" or \"localstack\"")))
            }
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Backend::MiniStack => "MiniStack",
            Backend::LocalStack => "LocalStack",
        }
    }

    /// How to start it at a port of the loopback interface.
    pub fn launch(self, tools: &Tools, port: u16) -> Result<Launch> {
        match self {
            Backend::MiniStack => Ok(ministack::launch(tools, port)),
            Backend::LocalStack => localstack::launch(port),
        }
    }

    /// The URL of an HTTP API, without a trailing slash.
    pub fn api_url(self, endpoint: &str, api_id: &str) -> String {
        match self {
            Backend::MiniStack => ministack::api_url(endpoint, api_id),
            Backend::LocalStack => localstack::api_url(endpoint, api_id),
        }
    }
}
