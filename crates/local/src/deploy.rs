//! Deploys template.yaml to a local AWS. All that is changed in it is where the functions' code is.

use crate::admin::API_KEY_SECRET;
use crate::aws_api::{AwsApi, JsonService};
use crate::backend::Backend;
use crate::binaries::FUNCTIONS;
use crate::desired::Desired;
use crate::error::{Context, Error, Result};
use crate::stack::{Credentials, Endpoint, Functions, Stack};
use crate::stack_dir::{StackDir, workspace};
use crate::{archive, cloudformation, platforms, secrets};
use aws::sdk::Sdk;
use serde_json::{Value, json};
use simulator::{Access, Remote};
use std::fs;
use tokio::runtime::Builder;

pub const STACK_NAME: &str = "heygen-webhooks";
pub const REGION: &str = "us-east-1";
/// The architecture of this machine, by its name in the template.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
/// Holds the functions' code and the template.
const BUCKET: &str = "artifacts";
const TEMPLATE: &str = "template.yaml";

#[derive(Debug, Clone)]
pub struct LocalAws {
    pub backend: Backend,
    pub endpoint: String,
    pub credentials: Credentials,
}

/// Deploys what was built, or updates what is deployed. The stack registers its endpoints at the simulated HeyGen.
pub fn deploy(aws: &LocalAws, place: &StackDir, desired: &Desired, heygen: &Access) -> Result<Stack> {
    let api = aws.api();
    store_api_key(aws, API_KEY_SECRET, &heygen.api_key)?;
    let sites = if desired.platforms.is_empty() { Vec::new() } else { platforms::sites(&Remote::new(heygen.clone()))? };
    for site in &sites {
        store_api_key(aws, site.key.1, &site.api_key)?;
    }
    let template_url = upload(&api, place, TEMPLATE, &[])?;
    let endpoints = desired.names.join(",");
    let mut parameters = vec![
        ("Architecture", ARCHITECTURE),
        ("Endpoints", &endpoints),
        ("EndpointsJson", &desired.json),
        ("ApiKeySecret", API_KEY_SECRET),
        ("HeygenBaseUrl", &heygen.url),
        // Short, so that a rotation can be watched.
        ("SecretRefreshSeconds", "1"),
        ("ProcessorTimeoutSeconds", "6"),
        // 32 s of an outage are to this as eight hours are to the default.
        ("MaxRetryWaitSeconds", "1"),
        // What is missed is brought back at once when you ask for it.
        ("BackfillDelayMinutes", "0"),
        // It listens on the loopback interface only.
        ("RequireTls", "false"),
        // With all alarms; they notify no one here.
        ("AlarmEmail", "operators@example.invalid"),
        ("QuietHours", "24"),
        ("MinCredits", "1"),
        ("MinUsd", "1"),
    ];
    if !sites.is_empty() {
        parameters.push(("PlatformEndpoints", &desired.platforms));
    }
    for site in &sites {
        parameters.extend([site.key, (site.base_url.0, site.base_url.1.as_str())]);
    }
    let described = cloudformation::deploy(&api, STACK_NAME, &template_url, &parameters)?;
    let stack = read_outputs(&described["Outputs"], aws, heygen)?;
    // The template's six times the timeout would be a long wait for those who watch a crash.
    let attributes = json!({"QueueUrl": stack.queue_url, "Attributes": {"VisibilityTimeout": "6"}});
    api.json(JsonService::Sqs, "SetQueueAttributes", &attributes)?;
    Ok(stack)
}

/// Uploads the functions and the template that names them; returns the template's URL. With a `mark`, which ends each
/// program and is not executed, AWS sees other code.
pub fn upload(api: &AwsApi, place: &StackDir, template_name: &str, mark: &[u8]) -> Result<String> {
    api.create_bucket(BUCKET)?;
    let mut template = fs::read_to_string(workspace().join("template.yaml")).context("Reading template.yaml")?;
    for function in FUNCTIONS.concat() {
        let mut bootstrap = fs::read(place.bootstrap(function)).context(format_args!("Reading the {function}"))?;
        bootstrap.extend(mark);
        let key = format!("{function}-{:08x}.zip", archive::checksum(&bootstrap));
        api.put_object(BUCKET, &key, &archive::of(&bootstrap))?;
        let local = format!("CodeUri: crates/{function}/\n");
        if template.matches(&local).count() != 1 {
            return Err(Error::Failed(format!("template.yaml should have one line {}", local.trim())));
        }
        template = template.replace(&local, &format!("CodeUri: s3://{BUCKET}/{key}\n"));
    }
    api.put_object(BUCKET, template_name, template.as_bytes())
}

/// Where the template of the latest deployment is.
pub fn template_url(api: &AwsApi) -> String {
    api.object_url(BUCKET, TEMPLATE)
}

impl LocalAws {
    fn api(&self) -> AwsApi {
        AwsApi::new(Some(&self.endpoint), REGION, self.credentials.to_sdk())
    }
}

fn store_api_key(aws: &LocalAws, name: &str, api_key: &str) -> Result<()> {
    let sdk = Sdk::new(REGION, Some(&aws.endpoint), aws.credentials.to_sdk());
    let runtime = Builder::new_current_thread().enable_all().build().context("Starting a runtime")?;
    runtime.block_on(secrets::store(&sdk.secrets(), name, api_key))
}

fn read_outputs(outputs: &Value, aws: &LocalAws, heygen: &Access) -> Result<Stack> {
    let output = |name: &str| {
        let outputs = outputs.as_array().map(Vec::as_slice).unwrap_or_default();
        let found = outputs.iter().find(|output| output["OutputKey"] == name);
        let value = found.and_then(|output| output["OutputValue"].as_str()).map(str::to_owned);
        value.ok_or_else(|| Error::Failed(format!("the stack has no output {name}")))
    };
    let api = output("ApiUrl")?;
    let host = api.split_once("://").map_or(api.as_str(), |(_, host)| host);
    let api_url = aws.backend.api_url(&aws.endpoint, host.split('.').next().unwrap_or(host));
    let prefix = output("SecretPrefix")?;
    let endpoint = |name: &str| Endpoint {
        name: name.to_owned(),
        url: format!("{api_url}/webhooks/heygen/{name}"),
        secret: format!("{prefix}{name}"),
    };
    Ok(Stack {
        aws_endpoint: Some(aws.endpoint.clone()),
        region: REGION.to_owned(),
        table: output("TableName")?,
        queue_url: output("QueueUrl")?,
        dlq_url: output("DeadLetterQueueUrl")?,
        bus: output("BusName")?,
        functions: Functions {
            receiver: output("ReceiverFunction")?,
            processor: output("ProcessorFunction")?,
            admin: output("AdminFunction")?,
            recovery: output("RecoveryFunction")?,
        },
        endpoints: output("EndpointNames")?.split(',').map(endpoint).collect(),
        credentials: Some(aws.credentials.clone()),
        simulator: Some(heygen.clone()),
        api_url,
    })
}

/// A new signing secret in the format of HeyGen.
pub fn random_secret() -> Result<String> {
    use base64::Engine;
    use std::io::Read;
    let mut bytes = [0; 24];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("Reading /dev/urandom")?;
    Ok(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}
