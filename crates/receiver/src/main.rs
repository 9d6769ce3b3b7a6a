//! The Lambda function: configuration, clients, state, run.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use aws::env::both;
use aws::sdk::{Sdk, Timeouts};
use lambda_http::lambda_runtime::{Error, LambdaEvent, run, service_fn};
use receiver::{App, Config, invocation};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let parts = both(Config::from_env(), Sdk::from_env(Timeouts::SHORT));
    // A function that does not start gives no reason to the caller: each invocation reports what is wrong.
    let app = Arc::new(parts.map(|(config, sdk)| App::new(config, &sdk)));
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(invocation::respond(app.as_ref().as_ref(), event.payload).await) }
    }))
    .await
}
