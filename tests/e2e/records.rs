//! Events are recorded once, in any order, beside your own attributes.

use crate::support::{TIMEOUT, body, now, only_event, only_job, stack, success, unique};
use aws_sdk_dynamodb::types::AttributeValue;
use local::rows::Rows;
use serde_json::{Value, json};
use std::thread;

#[test]
fn concurrent_copies_leave_one_event_and_one_status_change() {
    let stack = stack();
    let since = now();
    let (id, video) = (unique("order"), unique("video"));
    let body = success(&id, &video);
    let identity = thread::scope(|scope| {
        let copies: Vec<_> = (0..32).map(|_| scope.spawn(|| stack.accepted(&body))).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).next().unwrap()
    });
    let outcomes = |outcome: &str| {
        let outcome = format!("\"outcome\":\"{outcome}\"");
        stack.lines_with(since, &["event recorded", &identity, &outcome]).len()
    };
    // Each copy was a message, and the processor logs the outcome of each.
    stack
        .wait_for("32 copies to be processed", TIMEOUT, || {
            Ok((outcomes("job_updated") + outcomes("duplicate") == 32).then_some(()))
        })
        .unwrap();
    assert_eq!(outcomes("job_updated"), 1);
    let rows = stack.recorded(&id, 1);
    assert_eq!(only_event(&rows).identity(), identity);
    assert_eq!(only_job(&rows).status, "succeeded");
}

/// A job without its times and its history.
fn timeless(rows: &Rows) -> Vec<Value> {
    let without = |attributes: &Value| {
        let mut attributes = attributes.clone();
        for name in ["correlation_id", "callback_id", "received_at", "updated_at", "previous_status"] {
            attributes.as_object_mut().unwrap().remove(name);
        }
        attributes
    };
    rows.jobs.iter().map(|job| without(&job.attributes)).collect()
}

#[test]
fn every_order_of_events_has_the_same_result() {
    let stack = stack();
    let video = unique("video");
    let events = |id: &str| {
        [
            success(id, &video),
            body("avatar_video.fail", json!({"video_id": video, "callback_id": id, "msg": "no credit"})),
            body(
                "avatar_video_gif.success",
                json!({"video_id": video, "callback_id": id, "gif_download_url": "https://files.example.invalid/1.gif"}),
            ),
        ]
    };
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let ends: Vec<_> = orders
        .iter()
        .map(|order| {
            let id = unique("order");
            let events = events(&id);
            for (sent, index) in order.iter().enumerate() {
                stack.accepted(&events[*index]);
                // SQS keeps no order, so each is recorded before the next is sent.
                stack.recorded(&id, sent + 1);
            }
            timeless(&stack.recorded(&id, 3))
        })
        .collect();
    assert_eq!(ends[0].len(), 2, "the video and its gif");
    assert_eq!((&ends[0][0]["kind"], &ends[0][0]["status"]), (&json!("avatar_video"), &json!("succeeded")));
    assert_eq!((&ends[0][0]["failure"], &ends[0][1]["kind"]), (&Value::Null, &json!("avatar_video_gif")));
    for (order, end) in orders.iter().zip(&ends) {
        assert_eq!(end, &ends[0], "sent in the order {order:?}");
    }
}

#[test]
fn a_failed_job_has_the_reason() {
    let stack = stack();
    let id = unique("order");
    let error = json!({"code": "insufficient_credit", "message": "There is no credit left."});
    stack.accepted(&body("avatar_video.fail", json!({"video_id": unique("video"), "callback_id": id, "error": error})));
    let rows = stack.recorded(&id, 1);
    let failure = only_job(&rows).failure.clone().unwrap();
    assert_eq!(failure.code.as_deref(), Some("insufficient_credit"));
    assert_eq!(failure.message.as_deref(), Some("There is no credit left."));
}

#[test]
fn one_callback_id_returns_every_job_that_it_started() {
    let stack = stack();
    let id = unique("order");
    for language in ["es", "fr", "de"] {
        let data = json!({"video_translate_id": unique(language), "callback_id": id, "output_language": language});
        stack.accepted(&body("video_translate.success", data));
    }
    assert_eq!(stack.recorded(&id, 3).jobs.len(), 3);
}

#[test]
fn an_event_without_callback_id_goes_to_the_job_that_is_known() {
    let stack = stack();
    let (id, video) = (unique("order"), unique("video"));
    stack.accepted(&success(&id, &video));
    stack.recorded(&id, 1);
    stack.accepted(&body("avatar_video_caption.success", json!({"video_id": video})));
    let rows = stack.recorded(&id, 2);
    assert!(rows.jobs.iter().any(|job| job.kind == "avatar_video_caption"), "{:?}", rows.jobs);
}

#[test]
fn a_teams_own_attributes_survive() {
    let stack = stack();
    let (id, video) = (unique("order"), unique("video"));
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let set = |name: &str, value: &str| {
        let update = async |dynamodb: &aws_sdk_dynamodb::Client| {
            dynamodb
                .update_item()
                .table_name(&stack.stack().table)
                .key("correlation_id", text(&id))
                .key("item", text(&format!("job#avatar_video#{video}")))
                .update_expression("SET #name = :value")
                .expression_attribute_names("#name", name)
                .expression_attribute_values(":value", text(value))
                .send()
                .await
        };
        stack.dynamodb(update).unwrap();
    };

    set("customer", "before any event");
    let fail = body("avatar_video.fail", json!({"video_id": video, "callback_id": id}));
    stack.accepted(&fail);
    assert_eq!(only_job(&stack.recorded(&id, 1)).status, "failed");
    set("note", "between two events");
    stack.accepted(&success(&id, &video));
    let rows = stack.recorded(&id, 2);
    let job = only_job(&rows);
    assert_eq!(job.status, "succeeded");
    assert_eq!(job.attributes["customer"], "before any event");
    assert_eq!(job.attributes["note"], "between two events");
}

#[test]
fn an_event_that_has_expired_is_new_again_though_its_item_is_still_there() {
    let stack = stack();
    let id = unique("order");
    let body = body("hologram.rendered", json!({"callback_id": id}));
    let identity = stack.accepted(&body);
    stack.recorded(&id, 1);
    // DynamoDB deletes expired items within days, not at once.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let expire = async |dynamodb: &aws_sdk_dynamodb::Client| {
        dynamodb
            .update_item()
            .table_name(&stack.stack().table)
            .key("correlation_id", text(&id))
            .key("item", text(&format!("event#{identity}")))
            .update_expression("SET expires_at = :past")
            .expression_attribute_values(":past", AttributeValue::N("1".into()))
            .send()
            .await
    };
    stack.dynamodb(expire).unwrap();
    stack.accepted(&body);
    stack
        .wait_for("the event to be recorded again", TIMEOUT, || {
            Ok(only_event(&stack.rows(&id)?).expires_at.filter(|expires| *expires > 1).map(drop))
        })
        .unwrap();
}
