//! The doctor's observations: what it calls, and that no failed call hides the rest.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use aws::env::Env;
use aws::sdk::Timeouts;
use aws::stub::{Reply, sdk};
use common::{DEAD, QUEUE, UNDELIVERED, ask};
use recovery::{App, Config};
use serde_json::{Value, json};
use simulator::{Options, Simulator};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(300);
const ADMIN: &str = "POST /2015-03-31/functions/admin/invocations";
const POLLING: &str = "GET /2015-03-31/event-source-mappings/uuid";
/// The only service here that takes a form.
const TOPIC: &str = "POST /";
const PIPE: &str = "GET /v1/pipes/pipe";

fn alarm(name: &str, state: &str, enabled: bool) -> Value {
    json!({"AlarmName": name, "StateValue": state, "ActionsEnabled": enabled, "AlarmActions": ["arn:topic"]})
}

/// What a healthy AWS replies.
fn healthy(key: &str, operation: &str, input: &Value) -> Reply {
    let endpoint = json!({
        "endpoint": "main", "endpoint_id": "ep_1", "url": "https://a.example.invalid", "status": "enabled",
        "state": "registered", "drift": null, "secret": "stored", "verified_at": "2026-11-22T03:00:00Z", "problem": null,
    });
    let soon = (time::OffsetDateTime::now_utc().unix_timestamp() - 900).to_string();
    Reply::Ok(match (operation, input["action"].as_str()) {
        (ADMIN, Some("list")) => json!({"endpoints": [endpoint], "missing": [], "unreadable": 0}),
        (ADMIN, Some("verify")) => json!({"verified": [{"endpoint": "main", "problem": null}]}),
        (ADMIN, Some("event-types")) => json!({"new": [], "removed": []}),
        (POLLING, _) => json!({"State": "Enabled", "LastProcessingResult": "OK"}),
        (PIPE, _) => json!({"CurrentState": "RUNNING", "DesiredState": "RUNNING"}),
        ("DescribeAlarms", _) => {
            let names = input["AlarmNames"].as_array().unwrap();
            // Not by a prefix, which the stack `shop-staging` has, too.
            assert!(names.contains(&json!("shop-dead-letters")) && input["AlarmNamePrefix"].is_null());
            json!({"MetricAlarms": [alarm("shop-dead-letters", "OK", true)], "CompositeAlarms": []})
        }
        (TOPIC, _) => json!("<entry><key>SubscriptionsConfirmed</key><value>1</value></entry>"),
        ("GetMetricData", _) => json!({"MetricDataResults": []}),
        ("Query", _) => json!({"Items": []}),
        ("GetQueueAttributes", _) => {
            json!({"Attributes": {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}})
        }
        ("GetItem", _) => json!({"Item": {"read_until": {"N": soon}, "version": {"N": "1"}}}),
        ("GetSecretValue", _) => json!({"SecretString": key, "VersionId": "v"}),
        other => panic!("{other:?} is not expected"),
    })
}

/// What the doctor replies if some calls do not get a healthy AWS's reply.
fn doctor(
    heygen: &Simulator,
    verify: Option<bool>,
    replace: impl Fn(&str, &Value) -> Option<Reply> + Send + Sync + 'static,
) -> Value {
    run(heygen, true, verify, replace)
}

/// The same for a deployment whose syncs verify the endpoints, or do not.
fn run(
    heygen: &Simulator,
    is_verifying: bool,
    verify: Option<bool>,
    replace: impl Fn(&str, &Value) -> Option<Reply> + Send + Sync + 'static,
) -> Value {
    let url = heygen.url();
    let variables = move |name: &str| {
        let value = match name {
            "STACK" => "shop",
            "TABLE_NAME" => "table",
            "QUEUE_URL" => QUEUE,
            "DEAD_LETTER_QUEUE_URL" => DEAD,
            "UNDELIVERED_QUEUE_URL" => UNDELIVERED,
            "API_KEY_SECRET" => "key",
            "HEYGEN_BASE_URL" => return Some(url.clone()),
            "ADMIN_FUNCTION" => "admin",
            "EVENT_SOURCE" => "uuid",
            "PIPE_NAME" => "pipe",
            "HAS_ALARMS" => "true",
            "ALARM_TOPIC" => "arn:topic",
            "SCHEDULE" => "rate(15 minutes)",
            "VERIFY_ENDPOINTS" if !is_verifying => "false",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let key = heygen.api_key().to_owned();
    let once = Timeouts { attempts: 1, ..Timeouts::LONG };
    let aws = move |operation: &str, input: Value| {
        replace(operation, &input).unwrap_or_else(|| healthy(&key, operation, &input))
    };
    let app = App::new(Config::read(Env::from_fn(variables)).unwrap(), &sdk(once, aws));
    let request = json!({"action": "doctor", "verify": verify});
    ask(&app, request, LIMIT).unwrap()
}

fn codes(reply: &Value) -> Vec<&str> {
    reply["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn all_is_well() {
    let heygen = Simulator::start(Options::default()).unwrap();
    for (is_verifying, verify, is_probed) in
        [(true, None, true), (true, Some(false), false), (false, None, false), (false, Some(true), true)]
    {
        let probed = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&probed);
        let reply = run(&heygen, is_verifying, verify, move |_, input| {
            seen.fetch_or(input["action"] == "verify", Ordering::Relaxed);
            None
        });
        assert_eq!(probed.load(Ordering::Relaxed), is_probed, "{is_verifying}, {verify:?}");
        assert_eq!((&reply["findings"], &reply["text"]), (&json!([]), &json!("All is well.")), "{reply}");
        assert_eq!((&reply["errors"], &reply["more"]), (&json!(0), &json!(false)));
    }
}

/// The canaries of a stub's errors are in no reply.
fn shows_no_canary(reply: &Value) {
    assert!(!reply.to_string().contains("canary-body"), "{reply}");
}

#[test]
fn what_cannot_be_read_is_a_finding_and_hides_nothing_else() {
    let heygen = Simulator::start(Options::default()).unwrap();
    let of_admin =
        |action: &'static str| move |operation: &str, input: &Value| operation == ADMIN && input["action"] == action;
    let of = |name: &'static str| move |operation: &str, _: &Value| operation == name;
    type Concerns = Box<dyn Fn(&str, &Value) -> bool + Send + Sync>;
    let failing: [(Concerns, usize, &str); 11] = [
        (Box::new(of_admin("list")), 1, "the endpoints could not be checked"),
        (Box::new(of_admin("verify")), 1, "the verification could not be checked"),
        (Box::new(of_admin("event-types")), 1, "event types could not be checked"),
        (Box::new(of(POLLING)), 1, "event source could not be checked"),
        (Box::new(of(PIPE)), 1, "the pipe could not be checked"),
        (Box::new(of("DescribeAlarms")), 1, "the alarms could not be checked"),
        (Box::new(of("GetQueueAttributes")), 3, "the queue could not be checked"),
        (Box::new(of(TOPIC)), 1, "the topic of the alarms could not be checked"),
        (Box::new(of("GetMetricData")), 1, "the metrics could not be checked"),
        (Box::new(of("Query")), 1, "the tracked jobs could not be checked"),
        (Box::new(of("GetItem")), 1, "lists were read could not be checked"),
    ];
    for (concerns, count, message) in failing {
        let reply = doctor(&heygen, None, move |operation, input| {
            concerns(operation, input).then(|| Reply::error(403, "AccessDeniedException"))
        });
        assert_eq!(codes(&reply), vec!["not-checked"; count], "{reply}");
        assert!(reply["text"].as_str().unwrap().contains(message), "{reply}");
        assert_eq!((&reply["errors"], &reply["warnings"]), (&json!(0), &json!(count)));
    }
    let reply = doctor(&heygen, None, |operation, _| {
        (operation != "GetSecretValue").then(|| Reply::Error(500, json!("canary-body")))
    });
    assert_eq!(codes(&reply), vec!["not-checked"; 13], "{reply}");
    shows_no_canary(&reply);
}

#[test]
fn the_api_key_is_tried_and_without_an_answer_admin_is_not_asked() {
    let heygen = Simulator::start(Options::default()).unwrap();
    let stored = |text: &'static str| {
        move |operation: &str, _: &Value| {
            assert_ne!(operation, ADMIN);
            (operation == "GetSecretValue").then(|| Reply::Ok(json!({"SecretString": text, "VersionId": "v"})))
        }
    };
    for (text, code) in
        [("canary-body", "api-key-rejected"), ("canary-body with spaces", "api-key-missing"), ("", "api-key-missing")]
    {
        let reply = doctor(&heygen, None, stored(text));
        assert_eq!(codes(&reply), [code], "{reply}");
        assert_eq!(reply["errors"], 1);
        shows_no_canary(&reply);
    }
    let denied = doctor(&heygen, None, |operation, _| {
        (operation == "GetSecretValue").then(|| Reply::error(403, "AccessDeniedException"))
    });
    assert_eq!(codes(&denied), ["not-checked"], "{denied}");
}

#[test]
fn faults_are_found_errors_first() {
    let heygen = Simulator::start(Options::default()).unwrap();
    let reply = doctor(&heygen, None, |operation, input| {
        Some(Reply::Ok(match (operation, input["action"].as_str()) {
            (ADMIN, Some("list")) => json!({"endpoints": [], "missing": ["main"], "unreadable": 0}),
            (ADMIN, Some("verify")) => json!({"verified": [{"endpoint": "main", "problem": "POST: status 503"}]}),
            (ADMIN, Some("event-types")) => json!({"new": ["hologram.success"], "removed": []}),
            (POLLING, _) => json!({"State": "Disabled"}),
            (PIPE, _) => json!({"CurrentState": "STOPPED"}),
            ("DescribeAlarms", _) => {
                let (muted, on) = (alarm("shop-sync-failed", "OK", false), alarm("shop-api-faults", "ALARM", true));
                json!({"MetricAlarms": [muted, on]})
            }
            ("GetQueueAttributes", _) => {
                json!({"Attributes": {"ApproximateNumberOfMessages": "2000", "ApproximateNumberOfMessagesNotVisible": "1"}})
            }
            ("GetItem", _) => json!({}),
            _ => return None,
        }))
    });
    let expected = [
        "endpoint-missing",
        "endpoint-not-verified",
        "dead-letters",
        "queue-not-read",
        "undelivered-job-events",
        "pipe-stopped",
        "alarm",
        "queue-behind",
        "backfill-late",
        "alarms-muted",
        "new-event-types",
    ];
    assert_eq!(codes(&reply), expected, "{reply}");
    assert_eq!((&reply["errors"], &reply["warnings"]), (&json!(7), &json!(3)), "{reply}");
}

#[test]
fn a_finding_has_the_request_that_mends_it() {
    let heygen = Simulator::start(Options::default()).unwrap();
    let reply = doctor(&heygen, Some(false), |operation, input| {
        let missing = json!({"endpoints": [], "missing": ["main"], "unreadable": 0});
        (operation == ADMIN && input["action"] == "list").then_some(Reply::Ok(missing))
    });
    let finding = &reply["findings"][0];
    assert_eq!(finding["request"], json!({"function": "admin", "payload": {"action": "sync"}}), "{reply}");
    assert!(finding["next_step"].as_str().unwrap().contains(r#"admin '{"action":"sync"}'"#), "{reply}");
}

#[test]
fn a_clock_that_differs_from_heygens_is_found() {
    let slow = Options { behind: Duration::from_secs(600), ..Options::default() };
    let reply = doctor(&Simulator::start(slow).unwrap(), Some(false), |_, _| None);
    assert_eq!(codes(&reply), ["clock-skew"], "{reply}");
    assert!(reply["text"].as_str().unwrap().contains("seconds behind"), "{reply}");
}
