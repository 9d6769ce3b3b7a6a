//! The Lambda function `admin`.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use admin::{App, Config, invocation};
use aws::sdk::{Sdk, Timeouts};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let sdk = Sdk::from_env(Timeouts::LONG)?;
    // CloudFormation would wait for a function that ends here, so a wrong configuration is reported per invocation.
    let app = Arc::new(Config::from_env().map(|config| App::new(config, &sdk)));
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { invocation::answer(app.as_ref().as_ref(), event.payload, event.context.deadline()).await }
    }))
    .await
}
