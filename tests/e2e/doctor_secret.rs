//! A wrong secret, stored on purpose: found while deliveries are rejected, and mended by one rotation and the schedule.

use crate::deployed::A;
use crate::patient::{Inside, codes, findings, send_request};
use crate::support::{TIMEOUT, now, only_job, unique};
use crate::telemetry::metrics;
use serde_json::{Value, json};
use simulator::{JobKind, JobOutcome, Options, Retries};
use std::time::Duration;
use webhook::Status;

/// CloudWatch makes metrics from the lines that functions log, and the local AWS does not: this puts what it would have
/// made of the lines about an endpoint since a time, once there are so many. The stack's name is that of the test's own recovery.
fn as_cloudwatch_does(inside: &Inside, endpoint: &str, since: u64, count: usize) {
    let find = || {
        let lines = inside.admin.stack.lines_with(since, &["\"_aws\"", endpoint]).into_iter();
        let lines: Vec<Value> = lines.filter_map(|line| serde_json::from_str(&line[line.find('{')?..]).ok()).collect();
        let lines: Vec<Value> = lines.into_iter().filter(|line| line["endpoint"] == endpoint).collect();
        Ok(Some(lines).filter(|lines| lines.len() >= count))
    };
    for line in inside.admin.stack.wait_for("the log lines of deliveries", TIMEOUT, find).unwrap() {
        let at = line["_aws"]["Timestamp"].as_i64().unwrap() / 1_000;
        for (mut metric, _) in metrics(&line) {
            metric.dimensions.insert("Stack".to_owned(), inside.name().to_owned());
            let dimensions: Vec<_> = metric.dimensions.iter().map(|(name, value)| (&**name, &**value)).collect();
            inside.put_metric(&metric.namespace, &metric.name, &dimensions, line[&metric.name].as_f64().unwrap(), at);
        }
    }
}

#[test]
fn a_wrong_secret_is_found_and_after_one_rotation_and_the_schedule_all_jobs_are_right() {
    let retries = Retries { base: Duration::from_millis(1), attempts: 2 };
    let Some(mut inside) = Inside::new(Options { retries, ..Options::default() }) else { return };
    // Without probes, no receiver has cached the right secret.
    inside.admin.set_variables(&[("VERIFY_ENDPOINTS", "false")]);
    inside.set("VERIFY_ENDPOINTS", "false");
    inside.admin.sync();
    inside.run(&json!({"action": "recover"}));
    assert_eq!(codes(&inside), Vec::<String>::new());

    let mut stored = serde_json::to_value(inside.admin.stored(A)).unwrap();
    let an_hour_ago = time::OffsetDateTime::now_utc() - time::Duration::HOUR;
    stored["current"] = json!("whsec_d3Jvbmc=");
    stored["current_since"] = json!(aws::clock::to_text(an_hour_ago));
    inside.admin.stack.put_secret(A, &stored).unwrap();

    let since = now();
    let translation = JobKind::Translation("Spanish".to_owned());
    let kinds = [
        (JobKind::Video, "avatar_video", None),
        (JobKind::Video, "avatar_video", None),
        (translation, "video_translate", Some("Spanish")),
    ];
    let orders = kinds.map(|(kind, name, language)| {
        let order = unique("rejected");
        let id = inside.admin.start_job(kind, Some(&order), JobOutcome::Succeeds);
        let mut track = json!({"action": "track", "callback_id": order, "kind": name, "entity_id": id});
        track["output_language"] = json!(language);
        inside.run(&track);
        order
    });
    assert!(inside.admin.wait_until_delivered(TIMEOUT).is_err(), "every delivery is rejected");
    let is_pending =
        |order: &String| only_job(&inside.admin.stack.record(order).unwrap()).status == Some(Status::Pending);
    assert!(orders.iter().all(is_pending));

    as_cloudwatch_does(&inside, A, since, 2 * orders.len());
    let found = findings(&inside);
    assert_eq!(codes(&inside), ["secret-wrong"], "{found:#?}");
    assert_eq!(found[0]["request"]["payload"], json!({"action": "rotate", "endpoint": A}));
    send_request(&inside, &found[0]);
    assert_eq!(codes(&inside), Vec::<String>::new());

    // A run compares what ended in the seconds before it.
    std::thread::sleep(Duration::from_millis(1_100));
    inside.run(&json!({"action": "recover"}));
    for order in &orders {
        assert_eq!(only_job(&inside.admin.stack.recorded(order, 1)).status, Some(Status::Succeeded));
    }
    let order = unique("accepted");
    inside.admin.start_job(JobKind::Video, Some(&order), JobOutcome::Succeeds);
    assert_eq!(only_job(&inside.admin.stack.recorded(&order, 1)).status, Some(Status::Succeeded));
    // What was brought back is reported for a day.
    assert_eq!(codes(&inside).iter().filter(|code| *code != "deliveries-missed").count(), 0);
}
