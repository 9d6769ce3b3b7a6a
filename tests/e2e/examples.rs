//! `examples/`: what a team may deploy beside the stack, and programs that it may copy.

use crate::reading::{printed_by, typescript};
use crate::support::{Stack, TIMEOUT, body, stack, success, unique};
use local::aws_api::QueryService::CloudFormation;
use local::stack_dir::workspace;
use local::tools::Tools;
use serde_json::{Value, json};
use std::process::Command;
use webhook::Status;

/// A template of the examples.
pub fn template(name: &str) -> String {
    std::fs::read_to_string(workspace().join("examples").join(name)).unwrap()
}

/// An example beside a stack.
pub struct Example(Value);

impl Example {
    pub fn output(&self, key: &str) -> &str {
        let outputs = self.0["Outputs"].as_array().unwrap();
        outputs.iter().find(|output| output["OutputKey"] == key).unwrap()["OutputValue"].as_str().unwrap()
    }
}

/// With the stack's bus, and more parameters.
pub fn deploy(stack: &Stack, name: &str, template: &str, parameters: &[(&str, &str)]) -> Example {
    let api = stack.api();
    let parameters = [&[("BusName", stack.stack().bus.as_str())], parameters].concat();
    let named = parameters.iter().enumerate().flat_map(|(index, (key, value))| {
        let prefix = format!("Parameters.member.{}", index + 1);
        [(format!("{prefix}.ParameterKey"), *key), (format!("{prefix}.ParameterValue"), *value)]
    });
    let named: Vec<_> = named.collect();
    let mut create = vec![("StackName", name), ("TemplateBody", template), ("Capabilities.member.1", "CAPABILITY_IAM")];
    create.extend(named.iter().map(|(name, value)| (name.as_str(), *value)));
    api.query(CloudFormation, "CreateStack", &create).unwrap();
    let deployed = || {
        let described = local::cloudformation::describe(api, name)?;
        let status = described["StackStatus"].as_str().unwrap_or_default().to_owned();
        assert!(["CREATE_IN_PROGRESS", "CREATE_COMPLETE"].contains(&status.as_str()), "{described}");
        Ok((status == "CREATE_COMPLETE").then_some(Example(described)))
    };
    stack.wait_for("the example to be deployed", TIMEOUT, deployed).unwrap()
}

/// What is tried again is tried at once.
pub const RETRY: [(&str, &str); 1] = [("DelaySeconds", "0")];

#[test]
fn each_queue_of_the_example_gets_the_jobs_that_failed_for_its_reason_and_no_other() {
    let stack = stack();
    let (api, name) = (stack.api(), unique("retry"));
    let example = deploy(&stack, &name, &template("retry.yaml"), &RETRY);

    let id = unique("order");
    let fails = |message: &str| {
        let video = unique("video");
        let data = json!({"video_id": video, "callback_id": id, "msg": message});
        stack.accepted(&body("avatar_video.fail", data));
        video
    };
    // What is on neither queue comes first: it would be there when the others are.
    stack.accepted(&success(&id, &unique("video")));
    fails("no face was found");
    stack.recorded(&id, 2);
    for (output, reason, video) in [
        ("QueueUrl", "may_pass", fails("Rendering timed out")),
        ("CreditQueueUrl", "no_credit", fails("There is no credit left.")),
    ] {
        let failed = || {
            let receive = async |sqs: &aws_sdk_sqs::Client| {
                let receive = sqs.receive_message().queue_url(example.output(output));
                receive.max_number_of_messages(10).wait_time_seconds(1).send().await
            };
            let got = stack.sqs(receive).unwrap();
            let read = |message: &aws_sdk_sqs::types::Message| serde_json::from_str(message.body().unwrap()).unwrap();
            let jobs: Vec<Value> = got.messages().iter().map(read).collect();
            // Other tests' jobs fail as well.
            assert!(jobs.iter().all(|job| job["status"] == "failed" && job["reason"] == reason), "{jobs:?}");
            Ok(jobs.into_iter().find(|job| job["callback_id"] == id))
        };
        let job = stack.wait_for("the job that failed", TIMEOUT, failed).unwrap();
        assert_eq!(job["entity_id"], json!(video));
    }
    api.query(CloudFormation, "DeleteStack", &[("StackName", &name)]).unwrap();
}

/// Track a video for an order.
type Tracker = fn(&Stack, &str, &str);
const TRACKERS: [(&str, Tracker); 3] =
    [("recovery", by_recovery), ("Python", in_python), ("TypeScript", in_typescript)];

fn by_recovery(stack: &Stack, video: &str, order: &str) {
    let in_an_hour = time::OffsetDateTime::now_utc() + time::Duration::HOUR;
    let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video", "entity_id": video,
                       "expected_by": aws::clock::to_text(in_an_hour)});
    local::recovery::ask(stack.stack(), &track).unwrap();
}

fn in_python(stack: &Stack, video: &str, order: &str) {
    let mut program = Command::new(Tools::install().unwrap().program("python"));
    printed_by(stack, program.arg(workspace().join("examples/track/track.py")).arg(video), order);
}

fn in_typescript(stack: &Stack, video: &str, order: &str) {
    printed_by(stack, typescript("track.ts").arg(video), order);
}

/// A job's attributes, without what differs between two that were tracked alike.
fn comparable(stack: &Stack, video: &str) -> Value {
    let mut jobs = stack.record(video).unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    let mut attributes = jobs.remove(0).attributes;
    let due = attributes["due_at"].as_i64().unwrap();
    let expected = aws::clock::from_text(attributes["expected_by"].as_str().unwrap()).unwrap().unix_timestamp();
    let in_an_hour = time::OffsetDateTime::now_utc().unix_timestamp() + 3_600;
    assert!(due == expected && (in_an_hour - due).abs() < 120, "{attributes}");
    assert!("0123456789abcdef".contains(attributes["due_shard"].as_str().unwrap()), "{attributes}");
    let fields = attributes.as_object_mut().unwrap();
    for name in
        ["due_at", "expected_by", "due_shard", "tracked_at", "updated_at", "received_at", "identity", "decided_by"]
    {
        fields.remove(name);
    }
    serde_json::from_str(&attributes.to_string().replace(video, "VIDEO")).unwrap()
}

#[test]
fn the_programs_that_track_a_job_write_what_recovery_writes_before_and_after_its_event() {
    let stack = stack();
    let (first, order, last) = ("a-smaller-order", unique("order"), "z-greater-order");
    let mut seen = Vec::new();
    for (name, tracker) in TRACKERS {
        let track = |video: &str, order: &str| tracker(&stack, video, order);
        let (early, late) = (unique("early"), unique("late"));
        track(&early, &order);
        stack.accepted(&success(&order, &late));
        stack.recorded(&late, 1);
        track(&late, &order);
        // Again, for a greater callback_id, which gives way, and for a smaller one, which does not.
        let (twice, lower) = (unique("twice"), unique("lower"));
        for (video, orders) in [(&twice, [order.as_str(), last]), (&lower, [order.as_str(), first])] {
            orders.iter().for_each(|order| track(video, order));
            let jobs = stack.record(orders[1]).unwrap().jobs;
            assert!(jobs.iter().any(|job| job.entity_id == **video), "{name}: no pointer from {}", orders[1]);
        }
        assert_eq!(stack.record(&early).unwrap().jobs[0].status, Some(Status::Pending));
        assert_eq!(stack.record(&late).unwrap().jobs[0].status, Some(Status::Succeeded));
        let written = [early, late, twice, lower].map(|video| comparable(&stack, &video));
        seen.push((name, written));
    }
    let (_, by_recovery) = seen[0].clone();
    for (name, written) in &seen[1..] {
        assert_eq!(written, &by_recovery, "{name}");
    }
}
