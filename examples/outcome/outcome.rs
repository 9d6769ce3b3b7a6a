//! Prints the jobs of one order, a line of JSON each: `TABLE_NAME=… cargo run -p aws --example outcome CALLBACK_ID`

use aws::error::AwsError;
use aws::jobs::{JobItem, Jobs};
use aws::sdk::{Sdk, Timeouts};
use serde_json::Value;
use std::error::Error;

/// The jobs that were started with this `callback_id`. Those of its videos, translations, … that HeyGen reported
/// without a `callback_id` are among them; those with another one are not.
pub async fn jobs_of(jobs: &Jobs, callback_id: &str) -> Result<Vec<Value>, AwsError> {
    Ok(jobs.of_callback_id(callback_id).await?.jobs.iter().map(shown).collect())
}

fn shown(job: &JobItem) -> Value {
    let attribute = |name: &str| Some((name.to_owned(), job.attributes.get(name)?.clone()));
    let shown = ["kind", "entity_id", "output_language", "status", "links", "failure", "reason"];
    shown.into_iter().filter_map(attribute).collect()
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout, reason = "it is a command")]
async fn main() -> Result<(), Box<dyn Error>> {
    let callback_id = std::env::args().nth(1).ok_or("the callback_id is missing")?;
    // Any client of aws-sdk-dynamodb will do. This one takes region and credentials from the environment, as in Lambda.
    let client = Sdk::from_env(Timeouts::LONG)?.dynamodb();
    for job in jobs_of(&Jobs::new(client, std::env::var("TABLE_NAME")?).without_bodies(), &callback_id).await? {
        println!("{job}");
    }
    Ok(())
}
