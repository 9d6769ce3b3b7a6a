//! The AWS CLI, pointed at a stack's AWS and at nothing else.

use crate::error::{Context, Error, Result};
use crate::process;
use crate::stack::{Credentials, Stack};
use crate::tools::Tools;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// The AWS CLI for one account and region.
#[derive(Debug, Clone)]
pub struct AwsCli {
    tools: Tools,
    endpoint: Option<String>,
    region: String,
    credentials: Option<Credentials>,
}

impl AwsCli {
    /// For a local AWS.
    pub fn local(tools: &Tools, endpoint: &str, region: &str, credentials: &Credentials) -> Self {
        AwsCli {
            tools: tools.clone(),
            endpoint: Some(endpoint.to_owned()),
            region: region.to_owned(),
            credentials: Some(credentials.clone()),
        }
    }

    /// For the AWS of a stack.
    pub fn of(stack: &Stack) -> Result<Self> {
        let tools = Tools::installed().ok_or_else(|| Error::failed("the AWS CLI is not installed: run `make up`"))?;
        let Stack { aws_endpoint, region, credentials, .. } = stack.clone();
        Ok(AwsCli { tools, endpoint: aws_endpoint, region, credentials })
    }

    /// Runs it and returns what it prints.
    pub fn run(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        self.run_in(Path::new("."), arguments)
    }

    /// The same, in a directory.
    pub fn run_in(&self, directory: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
        let mut command = Command::new(self.tools.program("aws"));
        command.current_dir(directory).args(arguments).env("AWS_PAGER", "");
        command.args(["--region", &self.region, "--output", "json"]);
        if let Some(endpoint) = &self.endpoint {
            // Nothing of a real account may be found.
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"AWS_")) {
                command.env_remove(name);
            }
            // Not `--endpoint-url`: with that, `cloudformation package` uploads to the real S3.
            command.env("AWS_ENDPOINT_URL", endpoint).env("AWS_PAGER", "");
            command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
            command.env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
        }
        if let Some(credentials) = &self.credentials {
            command.env("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
            command.env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key);
        }
        process::capture(&mut command).map_err(|why| match why {
            Error::Failed(why) => Error::Aws { what: format!("aws {}", arguments.join(" ")), why },
            other => other,
        })
    }

    /// Runs it and reads what it prints as JSON; null if that is nothing.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let printed = self.run(arguments)?;
        if printed.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&printed).context("Reading what the AWS CLI printed")
    }
}
