//! Events are recorded once, in any order, beside your own attributes.

use crate::support::{TIMEOUT, body, now, only_event, only_job, stack, success, unique};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use std::thread;
use webhook::Status;

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
    assert_eq!(only_job(&rows).status, Some(Status::Succeeded));
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
fn events_with_and_without_callback_id_are_one_record_in_any_order() {
    let stack = stack();
    let send = |body: &[u8], video: &str, events: usize| {
        stack.accepted(body);
        stack.recorded(video, events);
    };
    for callback_first in [true, false] {
        let (id, video) = (unique("order"), unique("video"));
        let with = success(&id, &video);
        let without = body("avatar_video.fail", json!({"video_id": video, "msg": "no credit"}));
        let caption = body("avatar_video_caption.success", json!({"video_id": video}));
        let events = if callback_first { [with, without, caption] } else { [caption, without, with] };
        for (sent, event) in events.iter().enumerate() {
            send(event, &video, sent + 1);
        }
        let record = stack.recorded(&id, 3);
        let jobs: Vec<_> = record.jobs.iter().map(|job| (job.kind.as_str(), job.status)).collect();
        let succeeded = Some(Status::Succeeded);
        assert_eq!(jobs, [("avatar_video", succeeded), ("avatar_video_caption", succeeded)], "{callback_first}");
        assert_eq!(record, stack.record(&video).unwrap());
    }
}

#[test]
fn two_orders_on_one_video_find_their_own_jobs_and_events() {
    let stack = stack();
    let (video, one, other) = (unique("video"), unique("one"), unique("other"));
    stack.accepted(&success(&one, &video));
    stack.accepted(&body("avatar_video_caption.success", json!({"video_id": video, "callback_id": other})));
    stack.recorded(&video, 2);
    for (id, kind) in [(&one, "avatar_video"), (&other, "avatar_video_caption")] {
        let record = stack.recorded(id, 1);
        assert_eq!((only_job(&record).kind.as_str(), record.events.len()), (kind, 1));
    }
}

#[test]
fn a_repetition_in_other_bytes_is_kept_beside_the_first_and_renews_the_links() {
    let stack = stack();
    let (id, video) = (unique("order"), unique("video"));
    let success = |expires: &str| {
        let url = format!("https://x.invalid/{expires}?X-Amz-Date={expires}T000000Z&X-Amz-Expires=60");
        body("avatar_video.success", json!({"video_id": video, "callback_id": id, "url": url}))
    };
    let mut identities = Vec::new();
    for (events, expires) in [(1, "20260102"), (2, "20260103"), (3, "20260101"), (3, "20260102")] {
        identities.push(stack.accepted(&success(expires)));
        stack.recorded(&id, events);
    }
    stack.settled();
    identities.dedup();
    assert_eq!(identities.len(), 1);
    let record = stack.recorded(&id, 3);
    assert_eq!(record.events.len(), 3, "the fourth was the first again");
    let link = &only_job(&record).links["video"];
    assert!(link.starts_with("https://x.invalid/20260103?"), "the links that expire last");
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
                .key("id", text(&video))
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
    assert_eq!(only_job(&stack.recorded(&id, 1)).status, Some(Status::Failed));
    set("note", "between two events");
    stack.accepted(&success(&id, &video));
    let rows = stack.recorded(&id, 2);
    let job = only_job(&rows);
    assert_eq!(job.status, Some(Status::Succeeded));
    assert_eq!(job.attributes["customer"], "before any event");
    assert_eq!(job.attributes["note"], "between two events");
}

#[test]
fn an_event_that_has_expired_is_new_again_though_its_item_is_still_there() {
    let stack = stack();
    let id = unique("order");
    let body = body("hologram.rendered", json!({"callback_id": id}));
    stack.accepted(&body);
    let recorded = stack.recorded(&id, 1);
    let event = only_event(&recorded);
    // DynamoDB deletes expired items within days, not at once.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let expire = async |dynamodb: &aws_sdk_dynamodb::Client| {
        dynamodb
            .update_item()
            .table_name(&stack.stack().table)
            .key("id", text(&event.id))
            .key("item", text(&event.item))
            .update_expression("SET expires_at = :past")
            .expression_attribute_values(":past", AttributeValue::N("1".into()))
            .send()
            .await
    };
    stack.dynamodb(expire).unwrap();
    stack.accepted(&body);
    stack
        .wait_for("the event to be recorded again", TIMEOUT, || {
            Ok(only_event(&stack.record(&id)?).expires_at.filter(|expires| *expires > 1).map(drop))
        })
        .unwrap();
}

#[test]
fn a_training_belongs_to_none_of_the_generations_of_its_group() {
    let stack = stack();
    let (group, orders) = (unique("group"), (0..12).map(|_| unique("order")).collect::<Vec<_>>());
    for order in &orders {
        stack.accepted(&body("photo_avatar_generation.success", json!({"group_id": group, "callback_id": order})));
    }
    stack.accepted(&body("photo_avatar_train.success", json!({"group_id": group})));
    let record = stack.recorded(&group, orders.len() + 1);
    assert_eq!(record.jobs.len(), orders.len() + 1);
    for order in &orders {
        let record = stack.recorded(order, 1);
        assert_eq!((only_job(&record).kind.as_str(), record.events.len()), ("photo_avatar_generation", 1));
    }
}

#[test]
fn an_id_that_looks_like_the_digest_of_another_is_another() {
    let stack = stack();
    let long = format!("{}-{}", unique("order"), "x".repeat(2_000));
    let literal = webhook::CorrelationId::of(&long).to_string();
    assert!(literal.starts_with("sha256:"));
    let (one, other) = (unique("video"), unique("video"));
    stack.accepted(&success(&long, &one));
    stack.accepted(&success(&literal, &other));
    assert_eq!(only_job(&stack.recorded(&long, 1)).entity_id, one);
    assert_eq!(only_job(&stack.recorded(&literal, 1)).entity_id, other);
}

#[test]
fn a_job_without_room_is_omitted_and_the_same_delivery_is_applied_once_there_is_room() {
    let stack = stack();
    let (id, video) = (unique("order"), unique("video"));
    stack.fill_job(&video, 409_000);
    let delivery = success(&id, &video);
    stack.accepted(&delivery);
    let record = stack.recorded(&id, 1);
    assert!(only_event(&record).job_omitted.is_some());
    assert_eq!(only_job(&record).status, None);

    stack.fill_job(&video, 1_000);
    stack.accepted(&delivery);
    let applied = || Ok(Some(stack.record(&id)?).filter(|record| record.jobs[0].status == Some(Status::Succeeded)));
    let record = stack.wait_for("the job to succeed", TIMEOUT, applied).unwrap();
    assert_eq!((only_event(&record).job_omitted.as_ref(), record.jobs.len()), (None, 1));
}
