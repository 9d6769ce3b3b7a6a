//! Job events: one event on the bus per job status change, and none for anything else.

use crate::listener::{Listener, text};
use crate::support::{Stack, body, stack, success, unique};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

/// The status before and after each change.
fn steps(events: &[Value]) -> Vec<(&str, &str)> {
    events.iter().map(|detail| (text(detail, "previous_status"), text(detail, "status"))).collect()
}

/// Waits for the events of everything that is recorded now: events come in order.
fn caught_up(stack: &Stack, listener: &Listener<'_>) {
    stack.settled();
    let id = unique("last");
    stack.accepted(&success(&unique("order"), &id));
    listener.wait_for_event_of(&id);
}

fn failure(id: &str, video: &str) -> Vec<u8> {
    body("avatar_video.fail", json!({"video_id": video, "callback_id": id, "msg": "no credit"}))
}

/// Writes on a job's item, as a user's own program would.
fn write(stack: &Stack, video: &str, attributes: &[(&str, AttributeValue)]) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let update = dynamodb.update_item().table_name(&stack.stack().table);
        let mut update = update.key("id", text(video)).key("item", text(&format!("job#avatar_video#{video}")));
        let mut sets = Vec::new();
        for (name, value) in attributes {
            sets.push(format!("#{name} = :{name}"));
            update = update.expression_attribute_names(format!("#{name}"), *name);
            update = update.expression_attribute_values(format!(":{name}"), value.clone());
        }
        update.update_expression(format!("SET {}", sets.join(", "))).send().await
    };
    stack.dynamodb(update).unwrap();
}

fn note(stack: &Stack, video: &str, text: &str) {
    write(stack, video, &[("note", AttributeValue::S(text.to_owned()))]);
}

#[test]
fn each_change_of_a_jobs_status_is_one_event_and_nothing_else_is() {
    let stack = stack();
    let listener = Listener::new(&stack);
    let [good, bad, corrected, late, repeated, refreshed, noted, pending, jobless, named] =
        ["good", "bad", "corrected", "late", "repeated", "refreshed", "noted", "pending", "jobless", "named"]
            .map(unique);
    // SQS keeps no order, so of two events of a video the first is recorded before the second is sent.
    let send = |video: &str, body: Vec<u8>| {
        let before = stack.record(video).unwrap().events.len();
        stack.accepted(&body);
        stack.recorded(video, before + 1);
    };
    let (order, without) = ("order", None::<&str>);

    send(&good, success(order, &good));
    send(&bad, failure(order, &bad));

    send(&corrected, failure(order, &corrected));
    send(&corrected, success(order, &corrected));

    send(&late, success(order, &late));
    send(&late, failure(order, &late));

    for _ in 0..8 {
        stack.accepted(&success(order, &repeated));
    }

    for expires in ["20260101", "20260102"] {
        let url = format!("https://x.invalid/v?X-Amz-Date={expires}T000000Z&X-Amz-Expires=60");
        let data = json!({"video_id": refreshed, "callback_id": order, "url": url});
        send(&refreshed, body("avatar_video.success", data));
    }

    note(&stack, &noted, "before any event");
    send(&noted, failure(order, &noted));
    note(&stack, &noted, "after the failure");
    send(&noted, success(order, &noted));
    note(&stack, &noted, "after the success");

    let rank = AttributeValue::N("0".into());
    write(&stack, &pending, &[("status", AttributeValue::S("pending".into())), ("status_rank", rank)]);
    send(&pending, failure(order, &pending));

    send(&jobless, body("hologram.rendered", json!({"video_id": jobless, "callback_id": order})));

    // The callback_id becomes known only after the job ended, and then is repeated.
    for callback_id in [without, Some(order), Some(order)] {
        let note = format!("{callback_id:?} {}", unique("note"));
        let data = json!({"video_id": named, "callback_id": callback_id, "title": note});
        send(&named, body("avatar_video.success", data));
    }

    caught_up(&stack, &listener);
    assert_eq!(steps(&listener.events_of(&good)), [("none", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&bad)), [("none", "failed")]);
    assert_eq!(steps(&listener.events_of(&corrected)), [("none", "failed"), ("failed", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&late)), [("none", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&repeated)), [("none", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&refreshed)), [("none", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&noted)), [("none", "failed"), ("failed", "succeeded")]);
    assert_eq!(steps(&listener.events_of(&pending)), [("pending", "failed")]);
    assert!(listener.events_of(&jobless).is_empty());
    let named = listener.events_of(&named);
    assert_eq!(steps(&named), [("none", "succeeded"), ("succeeded", "succeeded")]);
    assert_eq!((text(&named[0], "callback_id"), text(&named[1], "callback_id")), ("", order));
    assert_eq!(named[0]["identity"], named[1]["identity"]);
}

#[test]
fn an_event_has_the_values_of_the_record() {
    let stack = stack();
    let listener = Listener::new(&stack);
    // Texts that would break a template which does not escape them, or which expands inserted text again.
    let id = unique("order \"of\" <$.awsRegion> {\\n}\n");
    stack.accepted(&success(&id, &unique("video")));
    let error = json!({"code": "insufficient_credit", "message": "There is \"no\" <$.eventName> left."});
    let broken = json!({"video_translate_id": unique("translation"), "callback_id": id, "output_language": "Spanish", "error": error});
    stack.accepted(&body("video_translate.fail", broken));
    let record = stack.recorded(&id, 2);
    caught_up(&stack, &listener);
    assert_eq!(record.jobs.len(), 2);
    for job in &record.jobs {
        let events = listener.events_of(&job.entity_id);
        let [event] = events.as_slice() else { panic!("{events:?}") };
        for field in [
            "callback_id",
            "kind",
            "entity_id",
            "status",
            "identity",
            "event_type",
            "id",
            "item",
            "received_at",
            "updated_at",
        ] {
            assert_eq!(event[field], job.attributes[field], "{field}");
        }
        assert_eq!(event["callback_id"], json!(id));
        assert_eq!(event["output_language"], json!(job.output_language.clone().unwrap_or_default()));
        for map in ["links", "failure"] {
            let entries = event[map].as_object().unwrap().iter().map(|(name, text)| (name.clone(), text["S"].clone()));
            let recorded = job.attributes.get(map).and_then(Value::as_object).cloned().unwrap_or_default();
            assert_eq!(entries.collect::<serde_json::Map<_, _>>(), recorded, "{map}");
        }
    }
}

#[test]
fn a_replayed_job_is_told_once_more_and_its_item_is_as_before() {
    let stack = stack();
    let listener = Listener::new(&stack);
    let (order, video) = (unique("order"), unique("video"));
    stack.accepted(&failure(&order, &video));
    let before = stack.recorded(&order, 1);
    caught_up(&stack, &listener);
    let replay = |to: &str| {
        let request = json!({"action": "replay", "to": to, "callback_id": order, "dry_run": false});
        local::recovery::ask(stack.stack(), &request).unwrap()
    };
    assert_eq!(replay("bus")["replayed"], 1);
    caught_up(&stack, &listener);
    let events = listener.events_of(&video);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1]);
    assert_eq!(stack.record(&order).unwrap(), before);

    // Through the processor, nothing changes and nothing is told.
    assert_eq!(replay("processor")["replayed"], 1);
    caught_up(&stack, &listener);
    assert_eq!(stack.record(&order).unwrap(), before);
    assert_eq!(listener.events_of(&video).len(), 2);

    // Unless the job's item is gone.
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let delete = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let delete = dynamodb.delete_item().table_name(&stack.stack().table).key("id", text(&video));
        delete.key("item", text(&format!("job#avatar_video#{video}"))).send().await
    };
    stack.dynamodb(delete).unwrap();
    assert!(stack.record(&order).unwrap().jobs.is_empty());
    replay("processor");
    caught_up(&stack, &listener);
    let mut after = stack.record(&order).unwrap();
    assert_eq!(after.events, before.events);
    for name in ["updated_at", "job_event"] {
        after.jobs[0].attributes[name] = before.jobs[0].attributes[name].clone();
    }
    after.jobs[0].updated_at = before.jobs[0].updated_at.clone();
    assert_eq!(after.jobs, before.jobs);
}

#[test]
fn a_replay_by_time_finds_the_jobs_of_that_time() {
    let stack = stack();
    let (order, video) = (unique("order"), unique("video"));
    stack.accepted(&success(&order, &video));
    let job = stack.recorded(&order, 1).jobs.remove(0);
    for to in ["bus", "processor"] {
        let request = json!({"action": "replay", "to": to, "since": job.received_at, "until": job.updated_at});
        let reply = local::recovery::ask(stack.stack(), &request).unwrap();
        assert!(reply["matching"].as_u64() >= Some(1), "{reply}");
    }
}
