//! Tells a job's outcome to the bus again: the job's item gets an attribute, which the pipe publishes, and loses it.
//!
//! Cut in between, the attribute stays. The next time it is removed first. Whatever reads the item ignores it.

use crate::key::Key;
use aws::clock::to_text;
use aws::error::{AwsError, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue::S;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use time::OffsetDateTime;

const UPDATE: &str = "dynamodb:UpdateItem";

#[derive(Debug, Clone)]
pub(crate) struct Teller {
    client: Client,
    table: String,
}

/// What became of the attribute.
enum Marked {
    Yes,
    /// It was there already, from a run that was cut or that runs now.
    Already,
    /// The job has not ended, or is gone.
    NotEnded,
}

impl Teller {
    pub(crate) fn new(client: Client, table: String) -> Self {
        Teller { client, table }
    }

    /// False if there is nothing to tell: the job has not ended, or its item has no room for the attribute.
    pub(crate) async fn tell(&self, job: &Key) -> Result<bool, AwsError> {
        let mut marked = self.mark(job).await?;
        if matches!(marked, Marked::Already) {
            self.unmark(job).await?;
            marked = self.mark(job).await?;
        }
        match marked {
            Marked::NotEnded => Ok(false),
            // Another run tells it now.
            Marked::Already => Ok(true),
            Marked::Yes => self.unmark(job).await.map(|()| true),
        }
    }

    async fn mark(&self, job: &Key) -> Result<Marked, AwsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(job.to_item()))
            .update_expression("SET replayed_at = :now")
            .condition_expression(
                "attribute_exists(job_event) AND #status IN (:succeeded, :failed) AND attribute_not_exists(replayed_at)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", S(to_text(OffsetDateTime::now_utc())))
            .expression_attribute_values(":succeeded", S("succeeded".to_owned()))
            .expression_attribute_values(":failed", S("failed".to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Marked::Yes) };
        if let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() {
            let is_marked = failed.item().is_some_and(|item| item.contains_key("replayed_at"));
            return Ok(if is_marked { Marked::Already } else { Marked::NotEnded });
        }
        let error = AwsError::of(UPDATE, &error);
        if error.class == ErrorClass::Permanent {
            tracing::error!(%error, id = job.id, item = job.item, "a job could not be told again");
            return Ok(Marked::NotEnded);
        }
        Err(error)
    }

    async fn unmark(&self, job: &Key) -> Result<(), AwsError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(job.to_item()))
            .update_expression("REMOVE replayed_at")
            .condition_expression("attribute_exists(replayed_at)");
        match update.send().await {
            Err(error) if !error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Err(AwsError::of(UPDATE, &error))
            }
            _ => Ok(()),
        }
    }
}
