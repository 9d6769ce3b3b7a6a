//! Deploys the template, as it is, to a local AWS, with the commands that its users use.

use crate::admin::API_KEY_SECRET;
use crate::backend::Backend;
use crate::changeset;
use crate::cli::AwsCli;
use crate::error::{Context, Error, Result};
use crate::stack::{Credentials, Endpoint, Functions, Stack};
use crate::stack_dir::StackDir;
use crate::tools::Tools;
use crate::wanted::Wanted;
use aws::sdk::Sdk;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use serde_json::Value;
use simulator::Access;
use tokio::runtime::Builder;

/// The name that a local stack is deployed under.
pub const STACK_NAME: &str = "heygen-webhooks";
/// The region that a local stack is in.
pub const REGION: &str = "us-east-1";
/// What the functions are built for, as the template calls it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
/// The bucket that holds the functions' code.
const BUCKET: &str = "artifacts";

/// A local AWS that answers.
#[derive(Debug, Clone)]
pub struct LocalAws {
    /// Which one.
    pub backend: Backend,
    /// Where.
    pub endpoint: String,
    /// The keys of its account.
    pub credentials: Credentials,
}

/// Deploys what was built, or updates what is deployed. The stack registers its endpoints at the simulated HeyGen.
pub fn deploy(aws: &LocalAws, tools: &Tools, place: &StackDir, wanted: &Wanted, heygen: &Access) -> Result<Stack> {
    let cli = AwsCli::local(tools, &aws.endpoint, REGION, &aws.credentials);
    store_api_key(aws, &heygen.api_key)?;
    let app = place.app();
    cli.run(&["s3", "mb", &format!("s3://{BUCKET}")])?;
    let package = ["--template-file", "template.yaml", "--s3-bucket", BUCKET];
    cli.run_in(
        &app,
        &[&["cloudformation", "package", "--output-template-file", "packaged.yaml"], &package[..]].concat(),
    )?;

    let parameters = [
        format!("Architecture={ARCHITECTURE}"),
        format!("Endpoints={}", wanted.names.join(",")),
        format!("EndpointsJson={}", wanted.json),
        format!("ApiKeySecret={API_KEY_SECRET}"),
        format!("HeygenBaseUrl={}", heygen.url),
        // So short that nobody has to wait to see what they do.
        "SecretRefreshSeconds=1".to_owned(),
        "ProcessorTimeoutSeconds=6".to_owned(),
        "VisibilitySeconds=6".to_owned(),
        // It listens to the loopback interface alone.
        "RequireTls=false".to_owned(),
        // With all alarms; nobody is told of them here.
        "AlarmEmail=operators@example.invalid".to_owned(),
        "QuietHours=24".to_owned(),
    ];
    let mut deploy = vec!["cloudformation", "deploy", "--template-file", "packaged.yaml", "--stack-name", STACK_NAME];
    deploy.extend([
        // Above 51,200 bytes, a template has to come from a bucket.
        "--s3-bucket",
        BUCKET,
        "--no-execute-changeset",
        "--no-fail-on-empty-changeset",
        "--capabilities",
        "CAPABILITY_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ]);
    deploy.push("--parameter-overrides");
    deploy.extend(parameters.iter().map(String::as_str));
    let prepared = cli.run_in(&app, &deploy)?;
    let described = changeset::carry_out(&cli, STACK_NAME, &prepared)?;
    read_outputs(&described["Outputs"], aws, heygen)
}

/// Without the AWS CLI: its arguments are for everybody to see.
fn store_api_key(aws: &LocalAws, api_key: &str) -> Result<()> {
    let keys = &aws.credentials;
    let credentials = aws_credential_types::Credentials::new(
        &keys.access_key_id,
        &keys.secret_access_key,
        None,
        None,
        "the local AWS",
    );
    let secrets = Sdk::new(REGION, Some(&aws.endpoint), credentials).secrets();
    let runtime = Builder::new_current_thread().enable_all().build().context("Starting a runtime")?;
    runtime.block_on(async {
        let created = secrets.create_secret().name(API_KEY_SECRET).secret_string(api_key).send().await;
        let Err(error) = created else { return Ok(()) };
        if !error.as_service_error().is_some_and(CreateSecretError::is_resource_exists_exception) {
            return Err(Error::aws("Creating the API key's secret", &error));
        }
        let put = secrets.put_secret_value().secret_id(API_KEY_SECRET).secret_string(api_key).send().await;
        put.map(drop).map_err(|error| Error::aws("Storing the API key", &error))
    })
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
        },
        endpoints: output("EndpointNames")?.split(',').map(endpoint).collect(),
        credentials: Some(aws.credentials.clone()),
        simulator: Some(heygen.clone()),
        api_url,
    })
}

/// A new signing secret, as HeyGen makes them.
pub fn random_secret() -> Result<String> {
    use base64::Engine;
    use std::io::Read;
    let mut bytes = [0; 24];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("Reading /dev/urandom")?;
    Ok(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(bytes)))
}
