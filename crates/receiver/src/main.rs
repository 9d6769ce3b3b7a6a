//! The Lambda function: configuration, clients, state, run.

// The SDK's futures nest deeper than the default allows.
#![recursion_limit = "256"]

use aws::sdk::{Sdk, Timeouts};
use lambda_http::lambda_runtime::{Error, LambdaEvent, run, service_fn};
use receiver::{App, Config, invocation};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::telemetry::init();
    let app = Arc::new(App::new(Config::from_env()?, &Sdk::from_env(Timeouts::SHORT)?));
    run(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(invocation::answer(&app, event.payload).await) }
    }))
    .await
}
