//! LocalStack in a container, for those who have it. Not part of CI, and untested: its image wants a
//! Docker engine and an account's `LOCALSTACK_AUTH_TOKEN`.

use super::Launch;
use crate::error::{Error, Result};
use crate::process;
use crate::stack::Credentials;
use crate::supervisor::Program;
use std::process::Command;

/// Any other key is taken as an account's number.
const KEY: &str = "test";

pub fn launch(port: u16) -> Result<Launch> {
    process::capture(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"])).map_err(|why| {
        Error::Failed(format!("LOCAL_AWS=localstack needs a Docker engine; leave it out to use MiniStack.\n{why}"))
    })?;
    let name = format!("heygen-webhooks-{port}");
    let publish = format!("127.0.0.1:{port}:4566");
    let command = [
        "docker",
        "run",
        "--rm",
        "--name",
        &name,
        "--publish",
        &publish,
        "--env",
        "LOCALSTACK_AUTH_TOKEN",
        // It starts a container per function.
        "--volume",
        "/var/run/docker.sock:/var/run/docker.sock",
        "localstack/localstack",
    ];
    let names = ["LOCALSTACK_AUTH_TOKEN", "DOCKER_HOST"];
    let program = Program {
        command: command.map(Into::into).to_vec(),
        env: names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect(),
        stop: ["docker", "rm", "--force", &name].map(str::to_owned).to_vec(),
    };
    let credentials = Credentials { access_key_id: KEY.to_owned(), secret_access_key: KEY.to_owned() };
    Ok(Launch { program, endpoint: format!("http://127.0.0.1:{port}"), health: "/_localstack/health", credentials })
}

pub fn api_url(endpoint: &str, api_id: &str) -> String {
    format!("{endpoint}/_aws/execute-api/{api_id}/$default")
}
