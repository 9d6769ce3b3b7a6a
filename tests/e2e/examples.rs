//! `examples/`: what a team may deploy beside the stack.

use crate::support::{TIMEOUT, body, stack, success, unique};
use local::aws_api::QueryService::CloudFormation;
use local::stack_dir::workspace;
use serde_json::{Value, json};

#[test]
fn the_queue_of_the_example_gets_the_jobs_that_failed_and_no_other() {
    let stack = stack();
    let (api, name) = (stack.api(), unique("retry"));
    let template = std::fs::read_to_string(workspace().join("examples/retry.yaml")).unwrap();
    let create = [
        ("StackName", name.as_str()),
        ("TemplateBody", &template),
        ("Parameters.member.1.ParameterKey", "BusName"),
        ("Parameters.member.1.ParameterValue", &stack.stack().bus),
        ("Parameters.member.2.ParameterKey", "DelaySeconds"),
        ("Parameters.member.2.ParameterValue", "0"),
    ];
    api.query(CloudFormation, "CreateStack", &create).unwrap();
    let deployed = || {
        let described = local::cloudformation::describe(api, &name)?;
        let status = described["StackStatus"].as_str().unwrap_or_default().to_owned();
        assert!(["CREATE_IN_PROGRESS", "CREATE_COMPLETE"].contains(&status.as_str()), "{described}");
        Ok(described["Outputs"][0]["OutputValue"].as_str().map(str::to_owned))
    };
    let queue_url = stack.wait_for("the example to be deployed", TIMEOUT, deployed).unwrap();

    // A success before the failure, which would be there when the failure is.
    let id = unique("order");
    stack.accepted(&success(&id, &unique("video")));
    stack.recorded(&id, 1);
    stack.accepted(&body(
        "avatar_video.fail",
        json!({"video_id": unique("video"), "callback_id": id, "msg": "no credit"}),
    ));
    let failed = || {
        let receive = async |sqs: &aws_sdk_sqs::Client| {
            sqs.receive_message().queue_url(&queue_url).max_number_of_messages(10).wait_time_seconds(1).send().await
        };
        let got = stack.sqs(receive).unwrap();
        let read = |message: &aws_sdk_sqs::types::Message| serde_json::from_str(message.body().unwrap()).unwrap();
        let jobs: Vec<Value> = got.messages().iter().map(read).collect();
        // Other tests' jobs fail as well.
        assert!(jobs.iter().all(|job| job["status"] == "failed"), "{jobs:?}");
        Ok(jobs.into_iter().find(|job| job["callback_id"] == id))
    };
    let job = stack.wait_for("the job that failed", TIMEOUT, failed).unwrap();
    assert_eq!(job["failure"]["message"]["S"], "no credit");
    api.query(CloudFormation, "DeleteStack", &[("StackName", &name)]).unwrap();
}
