//! Dead letters: explained, and sent back to their right state once the reason is gone.

use crate::failures::{dead_lettered, message};
use crate::support::{Stack, TIMEOUT, disturbed_stack, only_event, only_job, stack, success, unique};
use heygen::Status;
use local::recovery::ask;
use serde_json::{Value, json};
use std::time::Duration;

/// A report of the pipe about job events of long ago, so that a replay tells none of the other tests' jobs again.
pub fn old_report() -> String {
    let at = "2020-01-01T00:00:00Z";
    let batch = json!({"approximateArrivalOfFirstRecord": at, "approximateArrivalOfLastRecord": at, "batchSize": 1});
    json!({"DDBStreamBatchInfo": batch, "timestamp": at}).to_string()
}

/// A message on the dead-letter queue, as the processor would have put it there.
pub fn bury(stack: &Stack, message: &str) {
    let send = async |sqs: &aws_sdk_sqs::Client| {
        let reason = aws_sdk_sqs::types::MessageAttributeValue::builder().data_type("String").string_value("planted");
        let send = sqs.send_message().queue_url(&stack.stack().dlq_url).message_body(message);
        send.message_attributes("reason", reason.build().unwrap()).send().await
    };
    stack.sqs(send).unwrap();
}

fn redrive(stack: &Stack, callback_id: &str, dry_run: bool) -> Value {
    let request = json!({"action": "redrive", "dry_run": dry_run, "callback_id": callback_id, "reason": "planted"});
    ask(stack.stack(), &request).unwrap()
}

#[test]
fn a_dead_letter_is_counted_and_then_sent_back_to_its_right_state() {
    let Some(stack) = disturbed_stack() else { return };
    let (id, other) = (unique("order"), unique("order"));
    for id in [&id, &other] {
        bury(&stack, &message(success(id, &unique("video"))));
    }
    let counted = redrive(&stack, &id, true);
    assert_eq!((&counted["matching"], &counted["by_reason"]["planted"]), (&json!(1), &json!(1)), "{counted}");
    assert_eq!(dead_lettered(&stack, &id).len(), 1);
    let sent = redrive(&stack, &id, false);
    assert_eq!(sent["redriven"], 1, "{sent}");
    let rows = stack.recorded(&id, 1);
    assert_eq!((only_job(&rows).status, only_event(&rows).via.as_str()), (Some(Status::Succeeded), "delivery"));
    assert_eq!(redrive(&stack, &id, true)["matching"], 0);

    let purge = |count: usize| ask(stack.stack(), &json!({"action": "purge", "count": count, "callback_id": other}));
    let error = purge(2).unwrap_err().to_string();
    assert!(error.contains("nothing was deleted: 1 dead letters match now"), "{error}");
    assert_eq!(purge(1).unwrap()["purged"], 1);
    let gone = || Ok((redrive(&stack, &other, true)["matching"] == 0).then_some(()));
    stack.wait_for("the purged letter to be gone", TIMEOUT, gone).unwrap();
    assert!(stack.record(&other).unwrap().events.is_empty());
}

fn explain(stack: &Stack, field: &str, id: &str) -> Value {
    ask(stack.stack(), &json!({"action": "explain", field: id})).unwrap()
}

/// The last line of the text.
fn conclusion(reply: &Value) -> &str {
    assert!(!reply.to_string().contains("canary-link"), "{reply}");
    reply["text"].as_str().unwrap().lines().last().unwrap()
}

#[test]
fn a_dead_letter_is_explained_and_so_is_its_job_after_the_redrive() {
    let Some(stack) = disturbed_stack() else { return };
    let (id, video) = (unique("order"), unique("video"));
    bury(&stack, &message(success(&id, &video)));
    for (field, id) in [("callback_id", &id), ("entity_id", &video)] {
        let reply = explain(&stack, field, id);
        assert_eq!(conclusion(&reply), "In the dead-letter queue: planted. When the reason is gone, run redrive.");
    }
    redrive(&stack, &id, false);
    stack.recorded(&id, 1);
    let reply = explain(&stack, "callback_id", &id);
    let decided = format!("avatar_video {video}: succeeded, decided by avatar_video.success at ");
    assert!(conclusion(&reply).starts_with(&decided), "{reply}");
    assert_eq!((&reply["events"][0]["via"], &reply["not_read"]), (&json!("delivery"), &json!([])), "{reply}");
}

#[test]
fn what_only_heygen_knows_is_explained() {
    let stack = stack();
    let nobody = unique("video");
    let reply = explain(&stack, "entity_id", &nobody);
    assert!(conclusion(&reply).contains("neither here nor at HeyGen"), "{reply}");

    let order = unique("order");
    let simulator = stack.simulator().unwrap();
    let kind = simulator::JobKind::named("avatar_video", None).unwrap();
    let running =
        simulator.start_job(&kind, Some(&order), &simulator::JobOutcome::Succeeds, Duration::from_hours(1)).unwrap();
    let reply = explain(&stack, "entity_id", &running);
    let expected = format!("avatar_video {running}: no job here. HeyGen says ");
    assert!(conclusion(&reply).starts_with(&expected), "{reply}");
}
