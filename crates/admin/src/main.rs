//! The Lambda function `admin`.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use admin::{App, Config, invocation};
use aws::env::both;
use aws::sdk::{Sdk, Timeouts};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let parts = both(Config::from_env(), Sdk::from_env(Timeouts::LONG));
    // CloudFormation would wait for a function that ends here, so a wrong configuration is reported per invocation.
    let app = Arc::new(parts.map(|(config, sdk)| App::new(config, &sdk)));
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { invocation::respond(app.as_ref().as_ref(), event).await }
    }))
    .await
}
