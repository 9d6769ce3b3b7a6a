//! Callbacks that somebody made up.

use crate::platforms::Platforms;
use crate::support::{TIMEOUT, disturbed_stack, settled, unique};
use local::logs::LogLine;
use serde_json::{Value, json};
use simulator::{Call, Disturbance, Ends, JobOutcome, Product, StartJob};
use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};
use webhook::callback::Callback;
use webhook::{Platform, Secret, Status};

/// Waits until recovery has looked at so many callbacks, each at least once; all log lines then.
fn looked_at(platforms: &Platforms<'_>, count: usize) -> Vec<LogLine> {
    let logged = || {
        thread::sleep(Duration::from_secs(1));
        let lines = platforms.client.logs(0)?;
        let confirmed = lines.iter().filter(|line| line.text.contains("\"Confirmations\":1"));
        let messages: BTreeSet<_> = confirmed.map(|line| message_id(&line.text)).collect();
        assert!(messages.len() <= count, "{messages:?}");
        Ok((messages.len() == count).then_some(lines))
    };
    platforms.client.wait_for(&format!("{count} callbacks to be looked at"), 4 * TIMEOUT, logged).unwrap()
}

fn message_id(line: &str) -> String {
    let line: Value = serde_json::from_str(line).unwrap();
    line["message_id"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned()
}

/// The paths that a platform was asked for.
fn asked(platforms: &Platforms<'_>, platform: Platform) -> Vec<String> {
    let path = |call: Call| {
        assert_eq!(call.method, "GET");
        call.path
    };
    platforms.second.heygen.api(platform).calls().into_iter().map(path).collect()
}

#[test]
fn a_forged_callback_changes_nothing_that_the_platform_does_not_say_and_a_guessed_one_asks_nothing() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[("LogLevel", "trace")]);
    let order = unique("forged");

    // Running, whatever the callback says.
    let url = platforms.callback_url(&order, "did.talk");
    let job = StartJob {
        kind: Product::DidTalk.calling(url.clone()),
        callback_id: Some(order.clone()),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::from_secs(3_600)),
        disturbance: None,
    };
    let id = platforms.second.heygen.start_jobs(vec![job]).concat();
    let forged = json!({"id": id, "status": "done", "result_url": "https://evil.example/a.mp4"}).to_string();
    let since = Instant::now();
    for _ in 0..20 {
        assert_eq!(platforms.call_back(&url, &forged), 200);
    }
    looked_at(&platforms, 20);
    let minutes = usize::try_from(since.elapsed().as_secs() / 60).unwrap() + 1;
    let talks = asked(&platforms, Platform::Did);
    assert!((1..=minutes).contains(&talks.len()), "{talks:?} within {minutes} minutes");
    assert!(talks.iter().all(|path| *path == format!("/talks/{id}")), "{talks:?}");
    settled(&platforms.client);
    let record = platforms.client.record(&order).unwrap();
    assert!(record.events.is_empty());
    assert!(record.jobs.iter().all(|job| job.status == Some(Status::Pending)), "{:?}", record.jobs);
    assert!(!format!("{:?}", record.jobs).contains("evil"));

    // Guessed, and of another job; and a right one after them, so that they have been looked at, if they are at all.
    let wrong = Callback {
        platform: Platform::Tavus,
        endpoint: "main".to_owned(),
        kind: "video".to_owned(),
        correlation: order.clone(),
    };
    let guessed = wrong.path(&Secret::new("guessed").unwrap());
    let foreign = platforms.callback_url(&order, "tavus.replica").replace("/replica/", "/video/");
    for url in [&guessed, &foreign] {
        assert_eq!(platforms.call_back(url, r#"{"video_id": "guessed"}"#), 404);
    }
    let right = platforms.callback_url(&order, "tavus.video");
    assert_eq!(platforms.call_back(&right, r#"{"video_id": "right"}"#), 200);
    let lines = looked_at(&platforms, 21);
    assert_eq!(asked(&platforms, Platform::Tavus), ["/v2/videos/right"]);

    // The logs have neither a token nor anything of a body.
    let token = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    let secret = [url.as_str(), &guessed, &foreign, &right].map(token).into_iter().chain(["evil".to_owned()]);
    for secret in secret {
        let leak = lines.iter().find(|line| line.text.contains(&secret));
        assert!(leak.is_none(), "{leak:?}");
    }

    // Those that came too early count when the job ends: one of them has waited, and asks again.
    assert!(platforms.second.heygen.end_job(&id, JobOutcome::Succeeds, Some(Disturbance::Lost)));
    let job = platforms.ended(&order, &id);
    assert!(job.status == Some(Status::Succeeded) && !job.links.values().any(|link| link.contains("evil")));
    assert_eq!(platforms.vias(&order, &id), ["confirm"]);
    platforms.delete();
}

/// Each names another job, so that only the limit of the endpoint holds.
#[test]
fn a_thousand_forged_callbacks_ask_the_platform_no_more_often_than_is_allowed() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let url = platforms.callback_url(&unique("flood"), "did.talk");
    let minute = || time::OffsetDateTime::now_utc().unix_timestamp() / 60;
    let first = minute();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (platforms, url) = (&platforms, &url);
            scope.spawn(move || {
                for number in 0..125 {
                    let body = json!({"id": format!("tlk_{thread}_{number}")}).to_string();
                    assert_eq!(platforms.call_back(url, &body), 200);
                }
            });
        }
    });
    looked_at(&platforms, 1_000);
    let talks = asked(&platforms, Platform::Did);
    let allowed = 30 * usize::try_from(minute() - first + 1).unwrap();
    assert!((1..=allowed).contains(&talks.len()), "{} of {allowed}", talks.len());
    assert_eq!(talks.iter().collect::<BTreeSet<_>>().len(), talks.len(), "each once");
    platforms.delete();
}
