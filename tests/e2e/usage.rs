//! What jobs use, and what is left for them: each job counts once, and an alarm rings before credit runs out.

use crate::support::{Stack, TIMEOUT, body, now, stack, unique};
use crate::telemetry::{lines, metrics};
use crate::telemetry_shown::{alarms, metrics_of};
use local::stack_dir::StackDir;
use serde_json::{Value, json};
use simulator::{Change, Options, Remote};
use std::fs::File;

/// The account at the stack's simulated HeyGen, while no other test looks at it or at what is due.
pub struct Account {
    remote: Remote,
    _lock: File,
}

impl Account {
    /// `None` for a stack in a real account.
    pub fn of(stack: &Stack) -> Option<Self> {
        let Some(access) = stack.stack().simulator.clone() else {
            println!("left out: there is no simulated HeyGen");
            return None;
        };
        let lock = File::create(StackDir::test().stack_json().with_file_name("recovery.lock")).unwrap();
        lock.lock().unwrap();
        Some(Account { remote: Remote::new(access), _lock: lock })
    }

    pub fn set(&self, account: Value) {
        self.remote.change(&Change { account: Some(account), ..Change::default() }).unwrap();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.set(Options::default().account);
    }
}

/// What the schedule does. With what it said is left, and what it wrote, as metric and value.
fn left_after_a_run(stack: &Stack) -> (Value, Vec<(String, f64)>) {
    let since = now();
    let reply = local::recovery::ask(stack.stack(), &json!({"action": "recover"})).unwrap();
    // Written after the metrics.
    let ended = || Ok((!stack.lines_with(since, &["REPORT", "Duration"]).is_empty()).then_some(()));
    stack.wait_for("the end of the run", TIMEOUT, ended).unwrap();
    (reply["credit"].clone(), written(stack, since, "Remaining"))
}

/// The values of the metrics whose name begins so.
fn written(stack: &Stack, since: u64, prefix: &str) -> Vec<(String, f64)> {
    let mut written = Vec::new();
    for line in lines(stack, since) {
        let metrics = metrics(&line).into_iter().map(|(metric, _)| metric.name);
        let metrics = metrics.filter(|name| name.starts_with(prefix));
        written.extend(metrics.map(|name| (name.clone(), line[&name].as_f64().unwrap())));
    }
    written.sort_by(|a, b| a.0.cmp(&b.0));
    written
}

#[test]
fn what_is_left_at_heygen_is_a_metric_per_unit_in_each_form_of_billing() {
    let stack = stack();
    let Some(account) = Account::of(&stack) else { return };
    let [name, address] = ["canary-name", "canary-address"].map(unique);
    let since = now();
    let credits = |remaining: f64| json!({"remaining": remaining, "resets_at": "2026-12-01T00:00:00Z"});
    for (billing, form, expected) in [
        ("wallet", json!({"currency": "usd", "remaining_balance": 12.5}), &[("RemainingUsd", 12.5)][..]),
        ("wallet", json!({"currency": "credits", "remaining_balance": 40}), &[("RemainingCredits", 40.0)]),
        (
            "subscription",
            json!({"plan": "pro", "credits": {"premium_credits": credits(100.0), "add_on_credits": credits(20.0)}}),
            &[("RemainingCredits", 120.0)],
        ),
        (
            "usage_based",
            json!({"included_credits": 90, "remaining_credits": 0, "spending_current_usd": 30, "spending_cap_usd": 80}),
            &[("RemainingCredits", 0.0), ("RemainingUsd", 50.0)],
        ),
        ("usage_based", json!({"included_credits": 90, "remaining_credits": 7}), &[("RemainingCredits", 7.0)]),
        ("invoice", json!({"due": 3}), &[]),
    ] {
        let mut data = json!({"username": name, "email": address, "billing_type": billing});
        data[billing] = form;
        account.set(data);
        let (said, written) = left_after_a_run(&stack);
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        assert_eq!((written, &said["billing"]), (expected, &json!(billing)));
    }
    // HeyGen says nothing of it: no metric, and no error.
    account.set(json!({"username": name, "email": address}));
    assert_eq!(left_after_a_run(&stack), (Value::Null, vec![]));

    for line in stack.logs(since).unwrap() {
        assert!(!line.text.contains(&name) && !line.text.contains(&address), "{}", line.text);
    }
    let scan = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let pages = dynamodb.scan().table_name(&stack.stack().table).into_paginator().items().send();
        pages.try_collect().await
    };
    let stored = format!("{:?}", stack.dynamodb(scan).unwrap());
    assert!(stored.contains("cursor#") && !stored.contains(&name) && !stored.contains(&address));
}

/// Whether an alarm rings if its metric has these values in a period.
fn rings(alarm: &Value, values: &[f64]) -> bool {
    let value = match alarm["Statistic"].as_str().unwrap() {
        "Sum" => values.iter().sum(),
        "Minimum" => values.iter().copied().fold(f64::INFINITY, f64::min),
        other => panic!("{other}"),
    };
    let threshold = alarm["Threshold"].as_f64().unwrap();
    match alarm["ComparisonOperator"].as_str().unwrap() {
        "GreaterThanThreshold" => value > threshold,
        "LessThanThreshold" => value < threshold,
        other => panic!("{other}"),
    }
}

/// The only alarm on this metric.
fn alarm(stack: &Stack, metric: &str) -> Value {
    let is_it = |alarm: &Value| metrics_of(alarm).iter().any(|one| one.name == metric);
    let [alarm] = <[Value; 1]>::try_from(alarms(stack).into_iter().filter(is_it).collect::<Vec<_>>()).unwrap();
    alarm
}

#[test]
fn too_little_credit_and_jobs_that_fail_for_lack_of_it_each_ring_an_alarm() {
    let stack = stack();
    let Some(account) = Account::of(&stack) else { return };
    for (metric, currency) in [("RemainingCredits", "credits"), ("RemainingUsd", "usd")] {
        for (remaining, is_low) in [(0.5, true), (2.0, false)] {
            let wallet = json!({"currency": currency, "remaining_balance": remaining});
            account.set(json!({"billing_type": "wallet", "wallet": wallet}));
            let (_, written) = left_after_a_run(&stack);
            assert_eq!(written, [(metric.to_owned(), remaining)]);
            assert_eq!(rings(&alarm(&stack, metric), &[remaining]), is_low, "{metric} {remaining}");
        }
    }

    let (since, order) = (now(), unique("wave"));
    for message in ["insufficient_credit", "Your quota is used up", "Payment required"] {
        let data = json!({"video_id": unique("video"), "callback_id": order, "msg": message});
        stack.accepted(&body("avatar_video.fail", data));
    }
    let is_of_order = |line: &Value| line["correlation_id"] == order && line["JobsWithoutCredit"].is_number();
    let counted = || {
        let lines: Vec<_> = lines(&stack, since).into_iter().filter(is_of_order).collect();
        Ok(Some(lines).filter(|lines| lines.len() == 3))
    };
    let lines = stack.wait_for("the metric of each failure", TIMEOUT, counted).unwrap();
    let alarm = alarm(&stack, "JobsWithoutCredit");
    for line in &lines {
        let written: Vec<_> = metrics(line).into_iter().map(|(metric, _)| metric).collect();
        assert!(written.contains(&metrics_of(&alarm)[0]), "another name or other dimensions: {written:?}");
    }
    assert!(rings(&alarm, &[1.0, 1.0, 1.0]) && !rings(&alarm, &[]));
}

#[test]
fn a_jobs_length_counts_once_however_often_its_links_are_renewed_and_it_is_replayed() {
    let stack = stack();
    let (since, order, video) = (now(), unique("usage"), unique("video"));
    for (number, day) in ["01", "03", "02"].iter().enumerate() {
        let url = format!("https://x.invalid/v?X-Amz-Date=202701{day}T000000Z&X-Amz-Expires=60");
        let data = json!({"video_id": video, "callback_id": order, "url": url, "duration": 12.5});
        stack.accepted(&body("avatar_video.success", data));
        stack.recorded(&order, number + 1);
    }
    let delete = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
        let delete = dynamodb.delete_item().table_name(&stack.stack().table).key("id", text(video.clone()));
        delete.key("item", text(format!("job#avatar_video#{video}"))).send().await
    };
    stack.dynamodb(delete).unwrap();
    let replay = json!({"action": "replay", "to": "processor", "callback_id": order, "dry_run": false});
    assert_eq!(local::recovery::ask(stack.stack(), &replay).unwrap()["replayed"], 3);

    let recorded = || {
        let of_order = |line: &Value| line["correlation_id"] == order && line["message"] == "event recorded";
        let lines: Vec<_> = lines(&stack, since).into_iter().filter(of_order).collect();
        Ok(Some(lines).filter(|lines| lines.len() == 6))
    };
    let lines = stack.wait_for("a line for each event and each replay", TIMEOUT, recorded).unwrap();
    let outcomes: Vec<_> = lines[..3].iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["job_updated", "job_renewed", "recorded"]);
    assert!(lines[3..].iter().any(|line| line["outcome"] == "job_restored"), "{:?}", &lines[3..]);
    for usage in ["VideoSeconds", "JobStatusChanges", "video_seconds"] {
        let counted: Vec<_> = lines.iter().filter(|line| line[usage].is_number()).collect();
        assert_eq!((counted.len(), &counted[0]["outcome"]), (1, &json!("job_updated")), "{usage}");
    }
}
