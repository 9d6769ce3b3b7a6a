//! Verifications: a signed probe, from the public URL to the table.

use crate::deployed::{A, B, Deployed};
use crate::support::now;
use serde_json::{Value, json};
use simulator::{Options, Receiver};

fn found<'a>(reply: &'a Value, endpoint: &str) -> &'a Value {
    reply["verified"].as_array().unwrap().iter().find(|found| found["endpoint"] == endpoint).unwrap()
}

fn listed(admin: &Deployed, endpoint: &str) -> Value {
    let list = admin.ask(json!({"action": "list"})).unwrap();
    list["endpoints"].as_array().unwrap().iter().find(|listed| listed["endpoint"] == endpoint).unwrap().clone()
}

#[test]
fn each_sync_and_each_rotation_ends_with_a_probe_that_is_recorded_and_counts_as_a_probe() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    let since = now();
    let synced = admin.sync();
    for name in [A, B] {
        let found = found(&synced, name);
        assert_eq!(found["problem"], Value::Null);
        assert_eq!((&found["options"]["status"], &found["post"]["status"]), (&json!(204), &json!(200)));
        assert!(listed(&admin, name)["verified_at"].is_string());
    }
    // The same line at the receiver and at the processor says what it counts as.
    for metric in ["Deliveries", "Events"] {
        let line = admin.logged(since, &["heygen_webhooks.probe", A, metric]);
        let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
        assert_eq!((&line["outcome"], &line["Outcome"]), (&json!("probe"), &json!("probe")), "{line}");
        for other in ["UnknownEventTypes", "SecondsToRecord", "SecondsToQueue"] {
            assert_eq!(line[other], Value::Null, "{line}");
        }
    }
    let rotated = admin.ask(json!({"action": "rotate", "endpoint": A})).unwrap();
    assert_eq!(found(&rotated, A)["problem"], Value::Null);
}

#[test]
fn a_probe_expires_after_a_day_and_belongs_to_no_job() {
    let Some(admin) = Deployed::new(Options::default()) else { return };
    let since = now();
    admin.sync();
    let line = admin.logged(since, &["heygen_webhooks.probe", "event recorded"]);
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let probe = admin.stack.record(line["identity"].as_str().unwrap()).unwrap();
    let [event] = &probe.events[..] else { panic!("{:?}", probe.events) };
    assert_eq!((event.via.as_str(), event.job.as_ref()), ("probe", None));
    let hours = (event.expires_at.unwrap() - i64::try_from(now() / 1_000).unwrap()) / 3_600;
    assert!((22..=24).contains(&hours), "{hours} hours");
    assert!(probe.jobs.is_empty());
}

#[test]
fn an_endpoint_that_another_server_answers_for_is_drift_until_it_works() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.sync();
    let verified_at = listed(&admin, A)["verified_at"].clone();
    let another = Receiver::start().unwrap();
    admin.set_variables(&[("PUBLIC_URL", &another.url())]);
    let since = now();
    let synced = admin.sync();
    assert_eq!(found(&synced, A)["problem"], "POST: status 204");
    assert!(synced["text"].as_str().unwrap().contains("Not verified: 2 of 2 endpoints."));
    admin.logged(since, &["\"EndpointsUnverified\":2"]);
    admin.logged(since, &["\"EndpointDrift\":2"]);
    let a = listed(&admin, A);
    assert_eq!((&a["problem"], &a["verified_at"]), (&json!("POST: status 204"), &verified_at));
    let secrets = [A, B].map(|name| admin.stored(name).current.unwrap());
    assert!(another.deliveries().iter().all(|probe| secrets.iter().any(|secret| probe.is_signed_with(secret))));

    admin.set_variables(&[("PUBLIC_URL", "")]);
    let since = now();
    assert_eq!(found(&admin.sync(), A)["problem"], Value::Null);
    admin.logged(since, &["\"EndpointsUnverified\":0"]);
    assert_eq!(listed(&admin, A)["problem"], Value::Null);
}

#[test]
fn without_verify_endpoints_a_sync_posts_no_probe() {
    let Some(mut admin) = Deployed::new(Options::default()) else { return };
    admin.set_variables(&[("VERIFY_ENDPOINTS", "false")]);
    assert_eq!(admin.sync()["verified"], json!([]));
    let verified = admin.ask(json!({"action": "verify", "endpoint": A})).unwrap();
    assert_eq!(found(&verified, A)["problem"], Value::Null, "only asking for it does");

    // The alarm of one that failed would never end, because no sync verifies.
    let another = Receiver::start().unwrap();
    admin.set_variables(&[("PUBLIC_URL", &another.url())]);
    let since = now();
    admin.ask(json!({"action": "verify"})).unwrap();
    admin.logged(since, &["\"EndpointsUnverified\":2"]);
    let since = now();
    admin.sync();
    admin.logged(since, &["\"EndpointsUnverified\":0"]);
}
