//! Least privilege: the AWS calls that are linked into each function's binary against the policies of its deployed role;
//! the variables that it reads against those that the template sets.

use crate::support::{Stack, assert_same, disturbed_stack, stack};
use aws::env::Env;
use local::aws_api::QueryService::Iam;
use local::stack_dir::StackDir;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;

/// AWS does these with a function's role; our code does not call them.
const LOGS: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
const TRACES: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
const POLLER: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

fn function<'a>(stack: &'a Stack, name: &str) -> &'a str {
    let functions = &stack.stack().functions;
    match name {
        "receiver" => &functions.receiver,
        "processor" => &functions.processor,
        "recovery" => &functions.recovery,
        _ => &functions.admin,
    }
}

fn configuration(stack: &Stack, name: &str) -> Value {
    stack.api().function(function(stack, name)).unwrap()
}

/// What is called without an SDK, by this name in the code.
const SIGNED: [&str; 7] = [
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "lambda:GetEventSourceMapping",
    "lambda:InvokeFunction",
    "pipes:DescribePipe",
    "sns:GetTopicAttributes",
    "ssm:GetParameter",
];

/// The AWS operations that are linked into a function: the linker drops those that nothing calls.
fn calls(name: &str) -> Option<BTreeSet<String>> {
    let binary = StackDir::test().bootstrap(name);
    let printed = Command::new("nm").arg("--demangle").arg(&binary).output().unwrap();
    let symbols = String::from_utf8_lossy(&printed.stdout).into_owned();
    let mut actions = BTreeSet::new();
    for part in symbols.split("aws_sdk_").skip(1) {
        let Some((service, rest)) = part.split_once("::operation::") else { continue };
        let operation: String = rest.chars().take_while(|char| char.is_ascii_lowercase() || *char == '_').collect();
        if !service.chars().all(|char| char.is_ascii_lowercase()) || operation.is_empty() {
            continue;
        }
        match (service, operation.as_str()) {
            // IAM checks the parts of a transaction.
            ("dynamodb", "transact_write_items") => {
                actions.extend(["dynamodb:PutItem", "dynamodb:UpdateItem"].map(str::to_owned));
                // Only recovery deletes in one.
                actions.extend((name == "recovery").then(|| "dynamodb:DeleteItem".to_owned()));
            }
            // IAM knows the call for one message only.
            ("sqs", "change_message_visibility_batch" | "delete_message_batch") => {
                actions.insert(format!("sqs:{}", camel(operation.trim_end_matches("_batch"))));
            }
            // With a tag.
            ("secretsmanager", "create_secret") => {
                actions.extend(["secretsmanager:CreateSecret", "secretsmanager:TagResource"].map(str::to_owned));
            }
            _ => drop(actions.insert(format!("{service}:{}", camel(&operation)))),
        }
    }
    let program = std::fs::read(&binary).unwrap();
    let has = |text: &str| program.windows(text.len()).any(|part| part == text.as_bytes());
    actions.extend(SIGNED.iter().filter(|action| has(action)).map(|action| (*action).to_owned()));
    if actions.is_empty() {
        println!("left out: {} has no symbols, so this needs a build that is not stripped", binary.display());
        return None;
    }
    Some(actions)
}

fn camel(operation: &str) -> String {
    let word = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect();
    operation.split('_').map(word).collect::<Vec<String>>().concat()
}

/// The actions that the deployed role of a function allows, each with its resource.
fn allowed(stack: &Stack, name: &str) -> Vec<(String, String)> {
    let role = configuration(stack, name)["Role"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let of_role = ("RoleName", role.as_str());
    let attached = stack.api().query(Iam, "ListAttachedRolePolicies", &[of_role]).unwrap();
    let attached = attached["AttachedPolicies"].as_array().map_or(0, Vec::len);
    assert_eq!(attached, 0, "{name} has one policy");
    let listed = stack.api().query(Iam, "ListRolePolicies", &[of_role]).unwrap();
    assert_eq!(listed["PolicyNames"], serde_json::json!([name]));
    let document = stack.api().role_policy(&role, name).unwrap();
    let list = |value: &Value| match value {
        Value::Array(values) => values.clone(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut allowed = Vec::new();
    for statement in document["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Allow");
        for action in list(&statement["Action"]) {
            allowed.extend(list(&statement["Resource"]).iter().map(|resource| (text(&action), text(resource))));
        }
    }
    allowed
}

#[test]
fn each_role_allows_what_its_code_calls_and_no_more() {
    // Other tests take permissions away.
    let Some(stack) = disturbed_stack() else { return };
    for name in ["receiver", "processor", "admin", "recovery"] {
        let Some(mut expected) = calls(name) else { return };
        expected.extend(LOGS.map(str::to_owned));
        if name == "processor" {
            expected.extend(POLLER.map(str::to_owned));
        }
        // Allowed with EndpointsParameter only; tests/e2e/permissions_admin.rs has a stack with it.
        assert_eq!(expected.remove("ssm:GetParameter"), name == "admin");
        let allowed = allowed(&stack, name);
        let traces = allowed.iter().any(|(action, _)| TRACES.contains(&action.as_str()));
        expected.extend(TRACES.map(str::to_owned).into_iter().filter(|_| traces));
        let actions: BTreeSet<_> = allowed.iter().map(|(action, _)| action.clone()).collect();
        assert_same(&format!("the role of {name}"), &actions, "the calls of its code", &expected);
        for (action, resource) in &allowed {
            // Traces and metrics have no resource, AWS adds six characters to a secret's name, and Lambda names log streams.
            // Alarms are described together, so IAM asks for all of them.
            let has_none = TRACES.contains(&action.as_str()) || action == "cloudwatch:GetMetricData";
            let wild = has_none
                || action == "cloudwatch:DescribeAlarms"
                || LOGS.contains(&action.as_str())
                || action.starts_with("secretsmanager:");
            assert!(!action.contains('*'), "{name}: {action}");
            assert!(wild || !resource.contains(['*', '?']), "{name}: {action} on {resource}");
            assert!(has_none || resource.matches(':').count() >= 5, "{name}: {action} on {resource}");
        }
    }
}

/// The names of the variables that a configuration reads.
fn read(config: impl FnOnce(Env<'_>)) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    config(Env::from_fn(|name| {
        names.borrow_mut().insert(name.to_owned());
        None
    }));
    names.into_inner()
}

#[test]
fn each_function_reads_the_variables_that_it_is_given_and_no_others() {
    let stack = stack();
    for (name, mut expected) in [
        ("receiver", read(|env| drop(receiver::Config::read(env)))),
        ("processor", read(|env| drop(processor::Config::read(env)))),
        ("admin", read(|env| drop(admin::Config::read(env)))),
        ("recovery", read(|env| drop(recovery::Config::read(env)))),
    ] {
        // Telemetry reads these two, before any configuration.
        expected.extend(["LOG_LEVEL", "STACK"].map(str::to_owned));
        let given = configuration(&stack, name)["Environment"]["Variables"].clone();
        let given: BTreeSet<_> = given.as_object().unwrap().keys().cloned().collect();
        assert_same(&format!("template.yaml for {name}"), &given, "its code", &expected);
    }
}
