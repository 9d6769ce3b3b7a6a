//! `examples/`: what a team may deploy beside the stack.

use crate::support::{Stack, TIMEOUT, body, stack, success, unique};
use heygen::Status;
use local::aws_api::QueryService::CloudFormation;
use local::stack_dir::workspace;
use local::tools::Tools;
use serde_json::{Value, json};
use std::process::Command;

fn template() -> String {
    std::fs::read_to_string(workspace().join("examples/retry.yaml")).unwrap()
}

/// Deploys the example; returns the URL of its queue.
fn deploy(stack: &Stack, name: &str, template: &str) -> String {
    let api = stack.api();
    let create = [
        ("StackName", name),
        ("TemplateBody", template),
        ("Parameters.member.1.ParameterKey", "BusName"),
        ("Parameters.member.1.ParameterValue", &stack.stack().bus),
        ("Parameters.member.2.ParameterKey", "DelaySeconds"),
        ("Parameters.member.2.ParameterValue", "0"),
    ];
    api.query(CloudFormation, "CreateStack", &create).unwrap();
    let deployed = || {
        let described = local::cloudformation::describe(api, name)?;
        let status = described["StackStatus"].as_str().unwrap_or_default().to_owned();
        assert!(["CREATE_IN_PROGRESS", "CREATE_COMPLETE"].contains(&status.as_str()), "{described}");
        Ok(described["Outputs"][0]["OutputValue"].as_str().map(str::to_owned))
    };
    stack.wait_for("the example to be deployed", TIMEOUT, deployed).unwrap()
}

#[test]
fn the_queue_of_the_example_gets_the_jobs_that_failed_and_no_other() {
    let stack = stack();
    let (api, name) = (stack.api(), unique("retry"));
    let queue_url = deploy(&stack, &name, &template());

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

/// Runs the worker of the example until its queue is empty.
fn retry(stack: &Stack, queue_url: &str) {
    let described = stack.stack();
    let (keys, heygen) = (described.credentials.as_ref().unwrap(), described.simulator.as_ref().unwrap());
    let mut worker = Command::new(Tools::install().unwrap().program("python"));
    worker.arg(workspace().join("examples/retry/retry.py")).arg("--once");
    let variables = [
        ("QUEUE_URL", queue_url),
        ("TABLE_NAME", &described.table),
        ("RECOVERY_FUNCTION", &described.functions.recovery),
        ("HEYGEN_BASE_URL", &heygen.url),
        ("HEYGEN_API_KEY", &heygen.api_key),
        // Of the simulator's own request that starts a job.
        ("ID_AT", "ids.0"),
        ("AWS_ENDPOINT_URL", described.aws_endpoint.as_deref().unwrap()),
        ("AWS_REGION", &described.region),
        ("AWS_DEFAULT_REGION", &described.region),
        ("AWS_ACCESS_KEY_ID", &keys.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key),
    ];
    let done = worker.envs(variables).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_failed_job_is_started_again_with_its_callback_id_and_the_record_shows_each_attempt() {
    let stack = stack();
    if stack.stack().simulator.is_none() {
        println!("left out: there is no simulated HeyGen");
        return;
    }
    let name = unique("second-chance");
    // Other tests' jobs fail as well.
    let own = format!("detail-type: [HeyGen Job Failed]\n        detail: {{callback_id: [{{prefix: {name}}}]}}");
    let queue_url = deploy(&stack, &name, &template().replace("detail-type: [HeyGen Job Failed]", &own));
    let fails = |order: &str, why: &str| {
        let video = unique("video");
        let again = json!([{"kind": "avatar_video", "callback_id": order, "outcome": "succeeds", "milliseconds": 10}]);
        let request = json!({"path": "/_simulator/jobs", "body": again});
        let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": video,
                           "attributes": {"request": request}});
        local::recovery::ask(stack.stack(), &track).unwrap();
        stack.accepted(&body("avatar_video.fail", json!({"video_id": video, "callback_id": order, "msg": why})));
        stack.recorded(order, 1);
    };
    let [passes, not, credit] = ["passes", "not", "credit"].map(|case| format!("{name}-{case}"));
    fails(&passes, "Rendering timed out");
    fails(&not, "no face was found");
    fails(&credit, "insufficient_credit");

    let succeeded = || {
        retry(&stack, &queue_url);
        let jobs = stack.record(&passes)?.jobs;
        Ok(Some(jobs).filter(|jobs| jobs.iter().any(|job| job.status == Some(Status::Succeeded))))
    };
    let jobs = stack.wait_for("the second attempt", TIMEOUT, succeeded).unwrap();
    let by_status = |status| jobs.iter().find(|job| job.status == Some(status)).unwrap();
    let (failed, second) = (by_status(Status::Failed), by_status(Status::Succeeded));
    assert_eq!((jobs.len(), &failed.attributes["retried_as"]), (2, &json!(second.entity_id)));
    assert_eq!(second.attributes["attempt"], 2);
    // The same job event once more.
    let event = json!({"id": failed.id, "item": failed.item, "kind": failed.kind, "callback_id": passes,
                       "identity": failed.identity, "failure": {"message": {"S": "Rendering timed out"}}});
    let send = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&queue_url).message_body(event.to_string()).send().await
    };
    stack.sqs(send).unwrap();
    retry(&stack, &queue_url);
    assert_eq!(stack.record(&passes).unwrap().jobs.len(), 2, "it is started again once");

    let only = |order: &str| {
        let mut jobs = stack.record(order).unwrap().jobs;
        assert_eq!(jobs.len(), 1, "{order} is not started again");
        jobs.remove(0).attributes
    };
    assert_eq!(only(&not)["given_up"], "will_not_pass");
    assert_eq!((&only(&credit)["given_up"], &only(&credit)["retried_as"]), (&Value::Null, &Value::Null));
    stack.api().query(CloudFormation, "DeleteStack", &[("StackName", &name)]).unwrap();
}
