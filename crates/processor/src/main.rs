//! The Lambda function: configuration, clients, state, run.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use aws::env::both;
use aws::sdk::{Sdk, Timeouts};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use processor::{App, Config, respond};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let parts = both(Config::from_env(), Sdk::from_env(Timeouts::LONG));
    // A function that does not start gives no reason to the caller: each invocation reports what is wrong.
    let app = parts.map(|(config, sdk)| Arc::new(App::new(config, &sdk)));
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = app.clone();
        async move { respond(app, event.payload, event.context.deadline()).await }
    }))
    .await
}
