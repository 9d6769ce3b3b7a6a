//! `endpoints.json` in a parameter of SSM.

use crate::world::World;
use aws::stub::Reply;
use heygen::EventType;
use serde_json::{Value, json};
use simulator::Receiver;
use std::time::Duration;

const NAME: &str = "/shop/endpoints";

fn value(text: &str, kind: &str) -> Reply {
    Reply::Ok(json!({"Parameter": {"Name": NAME, "Type": kind, "Value": text}}))
}

fn endpoints(endpoints: &Value) -> Reply {
    value(&json!({ "endpoints": endpoints }).to_string(), "String")
}

/// A deployment that is registered for this event by its parameter.
fn with_parameter(events: &[String]) -> World {
    let mut world = World::new("v3", "main,second,third");
    world.config.endpoints_parameter = Some(NAME.to_owned());
    world.set_parameter(endpoints(&json!([{"name": "main", "events": events}])));
    world.sync().unwrap();
    world.settled("main").unwrap();
    world
}

fn events(count: usize) -> Vec<String> {
    EventType::KNOWN.iter().take(count).map(|event| (*event).to_owned()).collect()
}

/// Why the parameter cannot be used, and what the error says about it.
fn problems() -> Vec<(Reply, &'static str)> {
    vec![
        (Reply::error(400, "ParameterNotFound"), "create it with aws ssm put-parameter"),
        (Reply::error(400, "AccessDeniedException"), "deploy again"),
        (Reply::Ok(json!({})), "does not exist"),
        (value("ciphertext", "SecureString"), "store it as a String"),
        (value("main,second", "StringList"), "has the type StringList"),
        (value(" ", "String"), "is empty"),
        (value("[]", "String"), "put-parameter --overwrite"),
        (endpoints(&json!([{"name": "unknown"}])), "endpoints[0].name"),
    ]
}

#[test]
fn each_sync_applies_what_the_parameter_has_now_however_long_it_is() {
    let world = with_parameter(&events(1));
    let all = ["main", "second", "third"].map(|name| json!({"name": name, "events": events(99)}));
    let long = format!("{:#}", json!({ "endpoints": all }));
    assert!(long.len() > 3_000, "{} characters", long.len());
    world.set_parameter(value(&long, "String"));
    world.sync().unwrap();
    assert_eq!(world.settled("third").unwrap().events.unwrap().len(), EventType::KNOWN.len());
    world.set_parameter(endpoints(&json!([{"name": "main", "events": events(2)}, {"name": "second"}])));
    world.sync().unwrap();
    assert_eq!(world.settled("main").unwrap().events.unwrap(), events(2));
    world.settled("second").unwrap();
}

#[test]
fn without_the_parameter_nothing_is_changed_and_the_error_says_what_to_do() {
    for (problem, words) in problems() {
        let world = with_parameter(&events(1));
        let (before, calls) = (world.endpoints(), world.mutating_calls());
        world.set_parameter(problem);
        for action in [
            json!({"action": "sync", "prune": true, "force": true}),
            json!({"action": "plan"}),
            json!({"action": "list"}),
            json!({"action": "rotate", "endpoint": "main"}),
        ] {
            let error = world.run(action).unwrap_err().to_string();
            assert!(error.contains(&format!("the SSM parameter {NAME}, which EndpointsParameter names,")), "{error}");
            assert!(error.contains(words), "{error}");
        }
        assert_eq!((world.endpoints(), world.mutating_calls()), (before, calls));
    }
}

#[test]
fn a_plan_shows_other_endpoints_without_reading_the_parameter() {
    let world = with_parameter(&events(1));
    world.set_parameter(Reply::error(400, "ParameterNotFound"));
    let plan = world.run(json!({"action": "plan", "endpoints": [{"name": "main", "events": events(2)}]})).unwrap();
    assert_eq!(plan["changes"][0]["change"], "update", "{plan}");
}

/// The status of the response to a request of CloudFormation's, and its text.
fn ask(world: &World, request_type: &str) -> (String, String) {
    let cloudformation = Receiver::start().unwrap();
    let mut request: Value =
        serde_json::from_str(include_str!("../../../../events/cloudformation/create.json")).unwrap();
    request["RequestType"] = json!(request_type);
    request["ResponseURL"] = json!(cloudformation.url());
    request["PhysicalResourceId"] = json!("heygen-endpoints");
    let properties = json!({"Endpoints": "main,second", "EndpointsJson": "", "EndpointsParameter": NAME});
    request["ResourceProperties"] = properties.clone();
    request["OldResourceProperties"] = properties;
    world.invoke(request, Duration::from_secs(300));
    let response: Value = serde_json::from_slice(&cloudformation.received()[0].body).unwrap();
    let text = response["Reason"].as_str().or(response["Data"]["Text"].as_str()).unwrap();
    (response["Status"].as_str().unwrap().to_owned(), text.to_owned())
}

#[test]
fn a_deployment_reads_the_parameter_and_an_update_does_not_fail_for_it_nor_a_deletion() {
    for (problem, words) in problems() {
        let mut world = World::new("v3", "main,second");
        world.config.endpoints_parameter = Some(NAME.to_owned());
        world.config.deregister_on_delete = true;
        world.set_parameter(problem.clone());
        let (status, text) = ask(&world, "Create");
        assert!(status == "FAILED" && text.contains(words), "{text}");
        assert_eq!(world.mutating_calls(), 0);

        world.set_parameter(endpoints(&json!([{"name": "main"}])));
        assert_eq!(ask(&world, "Create").0, "SUCCESS");
        assert_eq!(world.endpoints().len(), 1);
        // What the parameter has now, it has for the rollback, too.
        world.set_parameter(problem);
        let (status, text) = ask(&world, "Update");
        assert!(status == "SUCCESS" && text.contains("not applied") && text.contains(words), "{text}");
        assert_eq!(ask(&world, "Delete").0, "SUCCESS");
        assert_eq!(world.endpoints(), []);
    }
}
