//! The doctor finds each planted fault of the endpoints, of HeyGen, and of what recovery does, and its next step mends it.

use crate::deployed::{A, B};
use crate::patient::{Inside, Patient, codes, findings, mended_by_hand, mended_by_its_request};
use crate::support::unique;
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use serde_json::{Value, json};
use simulator::{Existing, Options, Simulator};
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// A deployment that works, with one endpoint, after what the schedule does.
fn healthy(options: Options) -> Option<Inside> {
    let inside = Inside::new(options)?;
    inside.admin.sync();
    inside.run(&json!({"action": "recover"}));
    assert_eq!(inside.run(&json!({"action": "doctor"}))["findings"], json!([]), "with probes, too");
    Some(inside)
}

/// Replaces a field of the stored secret of A.
fn store(inside: &Inside, field: &str, value: Value) {
    let mut stored = serde_json::to_value(inside.admin.stored(A)).unwrap();
    stored[field] = value;
    inside.admin.stack.put_secret(A, &stored).unwrap();
}

fn long_ago() -> String {
    aws::clock::to_text(OffsetDateTime::now_utc() - time::Duration::days(30))
}

#[test]
fn faults_of_endpoints_are_found_and_mended() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    mended_by_its_request(inside, "endpoint-missing", |inside| {
        inside.admin.configure(json!([{"name": A}, {"name": B}]))
    });
    mended_by_its_request(inside, "endpoint-not-configured", |inside| inside.admin.configure(json!([{"name": A}])));
    mended_by_its_request(inside, "endpoint-disabled", |inside| {
        assert!(inside.admin.disable(&inside.admin.works(A).endpoint_id));
    });
    mended_by_its_request(inside, "endpoint-differs", |inside| {
        inside.admin.configure(json!([{"name": A, "events": ["avatar_video.success"]}]));
    });
    mended_by_its_request(inside, "endpoint-duplicate", |inside| {
        inside.admin.register(Existing { url: inside.admin.url(A), ..Existing::foreign(1).remove(0) });
    });
    mended_by_its_request(inside, "endpoint-not-registered-here", |inside| {
        inside.admin.stack.put_secret(A, &json!({})).unwrap();
    });
    inside.admin.works(A);
}

#[test]
fn faults_of_secrets_and_of_verifications_are_found_and_mended() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    mended_by_its_request(inside, "secret-missing", |inside| store(inside, "current", Value::Null));
    mended_by_its_request(inside, "secret-pending", |inside| {
        let (id, since) = (inside.admin.works(A).endpoint_id, long_ago());
        let pending = json!({"idempotency_key": unique("key"), "since": since, "change": "rotate", "endpoint_id": id});
        store(inside, "pending", pending);
    });
    inside.admin.set_variables(&[("MAX_SECRET_DAYS", "7")]);
    mended_by_its_request(inside, "secret-old", |inside| store(inside, "current_since", json!(long_ago())));
    mended_by_its_request(inside, "endpoint-never-verified", |inside| {
        let id = format!("admin#{}/endpoints/", crate::telemetry::stack_name(&inside.admin.stack));
        let key =
            [("id", S(id)), ("item", S(format!("verification#{A}")))].map(|(name, value)| (name.to_owned(), value));
        delete_item(inside, HashMap::from(key));
    });
    let header = |inside: &mut Inside, names: &str| inside.admin.set_variables(&[("SIGNATURE_HEADERS", names)]);
    mended_by_hand(
        inside,
        "endpoint-not-verified",
        |inside| {
            header(inside, "x-of-nobody");
            inside.admin.sync();
        },
        "docs/operations.md#endpoint-not-verified",
        |inside, _| header(inside, "signature"),
    );
    inside.admin.works(A);
}

#[test]
fn faults_of_the_api_key_and_of_heygen_are_found_and_mended() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    let heygen = (inside.admin.heygen.url(), inside.admin.heygen.api_key().to_owned());
    for (code, key) in [("api-key-rejected", "of-nobody"), ("api-key-missing", "{\"no\": \"key\"}")] {
        let plant = |inside: &mut Inside| inside.store_key(key);
        mended_by_hand(inside, code, plant, "Store the API key", |inside, _| inside.store_key(&heygen.1));
    }
    let of = |name: &'static str, value: &'static str| move |inside: &mut Inside| drop(inside.set(name, value));
    let key = inside.set("API_KEY_SECRET", "");
    inside.set("API_KEY_SECRET", &key);
    for (code, plant, says, name, right) in [
        ("api-key-not-configured", ("API_KEY_SECRET", ""), "ApiKeySecret", "API_KEY_SECRET", &key),
        (
            "heygen-unreachable",
            ("HEYGEN_BASE_URL", "http://127.0.0.1:9"),
            "HeygenBaseUrl",
            "HEYGEN_BASE_URL",
            &heygen.0,
        ),
        ("nobody-is-told", ("HAS_ALARMS", "false"), "AlarmEmail", "HAS_ALARMS", &"true".to_owned()),
    ] {
        mended_by_hand(inside, code, of(plant.0, plant.1), says, |inside, _| drop(inside.set(name, right)));
    }
    let pipe = inside.set("PIPE_NAME", "no-such-pipe");
    assert_eq!(codes(inside), ["not-checked"]);
    inside.set("PIPE_NAME", &pipe);

    let slow = Simulator::start(Options { behind: Duration::from_secs(600), ..Options::default() }).unwrap();
    let ask = |inside: &mut Inside, url: &str, key: &str| {
        inside.set("HEYGEN_BASE_URL", url);
        inside.store_key(key);
    };
    let plant = |inside: &mut Inside| ask(inside, &slow.url(), slow.api_key());
    mended_by_hand(inside, "clock-skew", plant, "date -u", |inside, _| ask(inside, &heygen.0, &heygen.1));
}

#[test]
fn faults_of_the_schedule_are_found_and_mended() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    // One whose schedule has never run.
    mended_by_its_request(inside, "backfill-late", |inside| drop(inside.set("STACK", &unique("never"))));
    mended_by_its_request(inside, "sweep-late", |inside| {
        let order = unique("overdue");
        inside
            .run(&json!({"action": "track", "callback_id": order, "kind": "avatar_video", "expected_by": long_ago()}));
    });
    let plant = |inside: &mut Inside| {
        let (id, item) = (format!("recovery#{}", inside.name()), "cursor#events".to_owned());
        let put = async |dynamodb: &aws_sdk_dynamodb::Client| {
            let put = dynamodb.put_item().table_name(&inside.admin.stack.stack().table);
            let put = put.item("id", S(id)).item("item", S(item)).item("version", N("1".into()));
            put.item("read_until", N((now() + 7_200).to_string())).send().await
        };
        inside.admin.stack.dynamodb(put).unwrap();
    };
    mended_by_hand(inside, "cursor-ahead", plant, "aws dynamodb delete-item --table-name", |inside, next_step| {
        let quoted = |start: &str| next_step.split_once(start).unwrap().1.split_once('\'').unwrap().0;
        let key: Value = serde_json::from_str(quoted("--key '")).unwrap();
        let attribute = |name: &str| (name.to_owned(), S(key[name]["S"].as_str().unwrap().to_owned()));
        delete_item(inside, HashMap::from(["id", "item"].map(attribute)));
        inside.run(&serde_json::from_str(quoted("recovery '")).unwrap());
    });
}

fn delete_item(inside: &Inside, key: HashMap<String, aws_sdk_dynamodb::types::AttributeValue>) {
    let delete = async |dynamodb: &aws_sdk_dynamodb::Client| {
        dynamodb.delete_item().table_name(&inside.admin.stack.stack().table).set_key(Some(key)).send().await
    };
    inside.admin.stack.dynamodb(delete).unwrap();
}

#[test]
fn what_was_measured_is_found_until_it_is_a_day_old() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    for (code, metric) in [("unreadable-bodies", "UnreadableBodies"), ("unknown-event-types", "UnknownEventTypes")] {
        let plant = |inside: &mut Inside| {
            let at = now() - 86_400 + 10;
            inside.put_metric("HeygenWebhooks", metric, &[("Stack", inside.name())], 1.0, at);
        };
        let says = format!("docs/operations.md#{code}");
        mended_by_hand(inside, code, plant, &says, |_, next_step| assert!(next_step.contains("ends a day after")));
    }
}

#[test]
fn a_queue_that_is_old_or_long_is_found_until_it_is_processed() {
    let Some(mut inside) = healthy(Options::default()) else { return };
    let inside = &mut inside;
    let name = unique("doctor");
    let create = async |sqs: &aws_sdk_sqs::Client| sqs.create_queue().queue_name(&name).send().await;
    let url = inside.admin.stack.sqs(create).unwrap().queue_url.unwrap();
    inside.set("QUEUE_URL", &url);
    // What the processor does as soon as it works again.
    let processed = |inside: &mut Inside, _: &str| {
        let purge = async |sqs: &aws_sdk_sqs::Client| sqs.purge_queue().queue_url(&url).send().await;
        inside.admin.stack.sqs(purge).unwrap();
    };
    let runbook = "docs/operations.md#still-waiting";
    let plant = |inside: &mut Inside| {
        fill(inside, &url, 1);
        let dimensions = [("QueueName", &*name)];
        inside.put_metric("AWS/SQS", "ApproximateAgeOfOldestMessage", &dimensions, 7_300.0, now() - 120);
    };
    mended_by_hand(inside, "queue-old", plant, runbook, processed);
    inside.put_metric("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", &name)], 0.0, now());
    mended_by_hand(inside, "queue-behind", |inside| fill(inside, &url, 1_001), runbook, processed);
    assert!(findings(inside).is_empty());
}

/// Puts so many messages on a queue.
fn fill(inside: &Inside, url: &str, count: usize) {
    let entry = |id: usize| {
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder();
        entry.id(id.to_string()).message_body("waiting").build().unwrap()
    };
    let ids: Vec<_> = (0..count).collect();
    for ids in ids.chunks(10) {
        let entries = ids.iter().map(|id| entry(*id)).collect();
        let send = async |sqs: &aws_sdk_sqs::Client| {
            sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await
        };
        inside.stack().sqs(send).unwrap();
    }
}
