//! The Lambda function `recovery`.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use aws::env::both;
use aws::sdk::{Sdk, Timeouts};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use recovery::{App, Config, invocation};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let parts = both(Config::from_env(), Sdk::from_env(Timeouts::LONG));
    let app = parts.map(|(config, sdk)| App::new(config, &sdk)).inspect_err(|error| tracing::error!(%error))?;
    let app = Arc::new(app);
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { invocation::respond(&app, event).await }
    }))
    .await
}
