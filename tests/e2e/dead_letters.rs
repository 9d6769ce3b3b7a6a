//! Dead letters: explained, and sent back to their right state once the reason is gone.

use crate::failures::{dead_lettered, message};
use crate::support::{Stack, TIMEOUT, body, disturbed_stack, only_event, only_job, stack, success, unique};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, Projection, ProjectionType, ScalarAttributeType,
};
use local::recovery::ask;
use serde_json::{Value, json};
use std::time::Duration;
use webhook::Status;

/// A report of the pipe about job events of long ago, so that a replay tells none of the other tests' jobs again.
pub fn old_report() -> String {
    let at = "2020-01-01T00:00:00Z";
    let batch = json!({"approximateArrivalOfFirstRecord": at, "approximateArrivalOfLastRecord": at, "batchSize": 1});
    json!({"DDBStreamBatchInfo": batch, "timestamp": at}).to_string()
}

/// A message on the dead-letter queue, as the processor would have put it there.
pub fn put_dead_letter(stack: &Stack, message: &str) {
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
        put_dead_letter(&stack, &message(success(id, &unique("video"))));
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
    reply["text"].as_str().unwrap().lines().last().unwrap().trim_start()
}

#[test]
fn a_dead_letter_is_explained_and_so_is_its_job_after_the_redrive() {
    let Some(stack) = disturbed_stack() else { return };
    let (id, video) = (unique("order"), unique("video"));
    put_dead_letter(&stack, &message(success(&id, &video)));
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

/// An index of the table with a key of the wrong type, as a careless change of the table would add it: DynamoDB rejects
/// every write that has the attribute, so every event.
struct WrongIndex<'a>(&'a Stack);

impl<'a> WrongIndex<'a> {
    const NAME: &'static str = "planted";

    fn new(stack: &'a Stack) -> Self {
        let size = AttributeDefinition::builder().attribute_name("body_bytes").attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name("body_bytes").key_type(KeyType::Hash).build().unwrap();
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = CreateGlobalSecondaryIndexAction::builder().index_name(Self::NAME).key_schema(key);
        let index = index.projection(projection).build().unwrap();
        let change = GlobalSecondaryIndexUpdate::builder().create(index).build();
        Self::update(stack, Some(size.build().unwrap()), change);
        WrongIndex(stack)
    }

    fn update(stack: &Stack, attribute: Option<AttributeDefinition>, change: GlobalSecondaryIndexUpdate) {
        let update = async |dynamodb: &aws_sdk_dynamodb::Client| {
            let update = dynamodb.update_table().table_name(&stack.stack().table);
            let attributes = attribute.map(|attribute| vec![attribute]);
            update.set_attribute_definitions(attributes).global_secondary_index_updates(change).send().await
        };
        stack.dynamodb(update).unwrap();
    }
}

impl Drop for WrongIndex<'_> {
    fn drop(&mut self) {
        let index = DeleteGlobalSecondaryIndexAction::builder().index_name(Self::NAME).build().unwrap();
        Self::update(self.0, None, GlobalSecondaryIndexUpdate::builder().delete(index).build());
    }
}

#[test]
fn what_a_bug_dead_lettered_is_explained_and_after_the_fix_a_redrive_brings_every_job_to_its_right_state() {
    let Some(stack) = disturbed_stack() else { return };
    let link = "https://files.example.invalid/result.mp4?X-Amz-Signature=canary-link-e2e";
    let jobs = [
        ("avatar_video.success", "video_id", json!({"url": link}), Status::Succeeded),
        ("avatar_video.fail", "video_id", json!({"msg": "no credit"}), Status::Failed),
        (
            "video_translate.success",
            "video_translate_id",
            json!({"url": link, "output_language": "Spanish"}),
            Status::Succeeded,
        ),
        (
            "video_translate.fail",
            "video_translate_id",
            json!({"message": "too long", "output_language": "French"}),
            Status::Failed,
        ),
        ("ai_clipping.success", "id", json!({"clips": []}), Status::Succeeded),
        ("hyperframes_video.fail", "render_id", json!({"error": "broken"}), Status::Failed),
        ("live_avatar.success", "session_id", json!({}), Status::Succeeded),
    ];
    let reason = "dynamodb:TransactWriteItems failed: ValidationError";
    let of_reason = |dry_run| json!({"action": "redrive", "dry_run": dry_run, "reason": reason});
    let deliver = |(event_type, field, mut data, status): (&'static str, &str, Value, Status)| {
        let (order, entity) = (unique("order"), unique("entity"));
        data["callback_id"] = json!(order);
        data[field] = json!(entity);
        stack.accepted(&body(event_type, data));
        (order, entity, event_type.split_once('.').unwrap().0, status)
    };
    let delivered: Vec<_>;
    {
        let _bug = WrongIndex::new(&stack);
        delivered = jobs.into_iter().map(deliver).collect();
        let all_are_there = || Ok((ask(stack.stack(), &of_reason(true))?["matching"] == delivered.len()).then_some(()));
        stack.wait_for("all dead letters", TIMEOUT, all_are_there).unwrap();
        for (order, ..) in &delivered {
            let reply = explain(&stack, "callback_id", order);
            assert_eq!(
                conclusion(&reply),
                format!("In the dead-letter queue: {reason}. When the reason is gone, run redrive.")
            );
            assert_eq!(reply["jobs"], json!([]));
        }
        // Sent back too early, they return, and none is lost.
        assert_eq!(ask(stack.stack(), &of_reason(false)).unwrap()["redriven"], delivered.len());
        stack.settled();
    }
    let counted = ask(stack.stack(), &of_reason(true)).unwrap();
    assert_eq!(
        (&counted["matching"], &counted["by_reason"][reason]),
        (&json!(delivered.len()), &json!(delivered.len()))
    );
    let sent = ask(stack.stack(), &of_reason(false)).unwrap();
    assert_eq!((&sent["redriven"], &sent["more"]), (&json!(delivered.len()), &json!(false)), "{sent}");
    for (order, entity, kind, status) in &delivered {
        let rows = stack.recorded(order, 1);
        let job = only_job(&rows);
        assert_eq!((&job.entity_id, job.kind.as_str(), job.status), (entity, *kind, Some(*status)), "{order}");
        assert_eq!(only_event(&rows).via, "delivery");
    }
    let (order, entity, kind, _) = &delivered[0];
    let reply = explain(&stack, "callback_id", order);
    assert!(conclusion(&reply).starts_with(&format!("{kind} {entity}: succeeded, decided by ")), "{reply}");
    assert_eq!(ask(stack.stack(), &of_reason(true)).unwrap()["matching"], 0, "no dead letter is left");
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
