//! As in `recovery_cuts`, for what reads the dead-letter queue, or what is recorded.

use crate::failures::message;
use crate::listener::Listener;
use crate::recovering::Recovering;
use crate::recovery_cuts::{Check, ends_with, survives_every_cut, survives_every_cut_if_repeated};
use crate::support::{TIMEOUT, body, success, unique};
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use local::client::Client;
use serde_json::{Value, json};
use webhook::Status;

/// A dead letter of an order that has no record.
fn dead_letter(recovering: &Recovering) -> String {
    let order = unique("cut");
    let text = message(success(&order, &unique("video")));
    let send = async |sqs: &aws_sdk_sqs::Client| {
        sqs.send_message().queue_url(&recovering.config.dead_letter_queue_url).message_body(&text).send().await
    };
    recovering.stack.sqs(send).unwrap();
    order
}

/// How many dead letters there are, visible or not.
fn dead_letters(recovering: &Recovering) -> u64 {
    let queue = recovering.config.dead_letter_queue_url.clone();
    recovering.stack.sqs(async |sqs| {
        let (waiting, hidden) = aws::queue::Queue::new(sqs.clone(), queue.clone()).depth().await.unwrap();
        waiting + hidden
    })
}

#[test]
fn redriving_survives_every_cut() {
    survives_every_cut(|recovering| {
        let order = dead_letter(recovering);
        let ended = ends_with(order.clone(), 1, Status::Succeeded);
        let check = move |recovering: &Recovering| {
            ended(recovering)?;
            match dead_letters(recovering) {
                0 => Ok(()),
                left => Err(format!("{left} dead letters are left")),
            }
        };
        (json!({"action": "redrive", "dry_run": false, "callback_id": order}), Box::new(check))
    });
}

#[test]
fn a_scheduled_run_goes_on_with_what_is_unfinished_and_says_so() {
    let Some(recovering) = Recovering::new(simulator::Options::default()) else { return };
    let order = dead_letter(&recovering);
    let now = aws::clock::to_text(time::OffsetDateTime::now_utc() + time::Duration::minutes(1));
    let redrive = json!({"action": "redrive", "dry_run": false, "callback_id": order, "sent_before": now});
    let id = format!("recovery#{}", recovering.config.stack);
    let put = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let put = dynamodb.put_item().table_name(&recovering.config.table).item("id", S(id.clone()));
        let put = put.item("item", S("unfinished#1".to_owned())).item("request", S(redrive.to_string()));
        put.item("noted_at", S(now.clone())).item("version", N("1".to_owned())).send().await
    };
    recovering.stack.dynamodb(put).unwrap();
    let reply = recovering.run(json!({"action": "recover"})).unwrap();
    let continued = &reply["continued"][0];
    assert_eq!((&continued["action"], &continued["is_complete"]), (&json!("redrive"), &json!(true)), "{reply}");
    assert!(reply["text"].as_str().unwrap().contains("Unfinished redrive: Dead letters: 1."), "{reply}");
    recovering.stack.recorded(&order, 1);
    assert_eq!(recovering.run(json!({"action": "recover"})).unwrap()["continued"], json!([]));
}

/// Counts again, as the operator has to.
fn purge_what_is_left(recovering: &Recovering, mut action: Value) -> Result<Value, recovery::Error> {
    let mut count = action.clone();
    count["action"] = json!("redrive");
    count.as_object_mut().unwrap().remove("count");
    action["count"] = recovering.run(count)?["matching"].clone();
    recovering.run(action)
}

#[test]
fn purging_survives_every_cut() {
    let prepare = |recovering: &Recovering| {
        let order = dead_letter(recovering);
        let purge = json!({"action": "purge", "count": 1, "callback_id": order});
        let check: Check = Box::new(move |recovering| match dead_letters(recovering) {
            0 if recovering.stack.record(&order).unwrap().jobs.is_empty() => Ok(()),
            left => Err(format!("{left} dead letters are left, or {order} was recorded")),
        });
        (purge, check)
    };
    survives_every_cut_if_repeated(prepare, purge_what_is_left);
}

/// A job of a type that no other test has, so that a replay by time tells or changes no other test's jobs.
fn recorded(recovering: &Recovering) -> (String, String, String) {
    let (order, video) = (unique("cut"), unique("video"));
    let event_type = format!("{}.success", unique("cut"));
    recovering.stack.accepted(&body(&event_type, json!({"video_id": video, "callback_id": order})));
    recovering.stack.recorded(&order, 1);
    (order, video, event_type)
}

fn job(recovering: &Recovering, order: &str) -> Value {
    recovering.stack.record(order).unwrap().jobs[0].attributes.clone()
}

#[test]
fn replaying_to_the_bus_survives_every_cut() {
    survives_every_cut(|recovering| {
        // As long as this process, as the check needs it.
        let client: &'static Client = Box::leak(Box::new(Client::load().unwrap()));
        let listener = Listener::new(client);
        let (order, video, event_type) = recorded(recovering);
        listener.wait_for_event_of(&video);
        let job_before = job(recovering, &order);
        let request =
            json!({"action": "replay", "to": "bus", "dry_run": false, "callback_id": order, "event_type": event_type});
        let check = move |recovering: &Recovering| {
            let told = || {
                listener.listen();
                Ok((listener.events_of(&video).len() > 1).then_some(()))
            };
            client.wait_for("the job to be told again", TIMEOUT, told).map_err(|error| error.to_string())?;
            if job(recovering, &order) != job_before {
                return Err(format!("the job of {order} is not as before"));
            }
            Ok(())
        };
        (request, Box::new(check))
    });
}

/// A job whose item was deleted by hand, and a replay of its event.
fn lost_job(recovering: &Recovering, by_time: bool) -> (Value, Check) {
    let since = aws::clock::to_text(time::OffsetDateTime::now_utc() - time::Duration::minutes(1));
    let (order, _, event_type) = recorded(recovering);
    let job = recovering.stack.record(&order).unwrap().jobs.remove(0);
    let delete = async |dynamodb: &aws_sdk_dynamodb::Client| {
        let delete = dynamodb.delete_item().table_name(&recovering.config.table);
        delete.key("id", S(job.id.clone())).key("item", S(job.item.clone())).send().await
    };
    recovering.stack.dynamodb(delete).unwrap();
    let mut request = json!({"action": "replay", "to": "processor", "dry_run": false, "event_type": event_type});
    let (field, value) = if by_time { ("since", &since) } else { ("callback_id", &order) };
    request[field] = json!(value);
    (request, ends_with(order, 1, Status::Succeeded))
}

#[test]
fn replaying_an_order_to_the_processor_survives_every_cut() {
    survives_every_cut(|recovering| lost_job(recovering, false));
}

#[test]
fn replaying_by_time_to_the_processor_survives_every_cut() {
    survives_every_cut(|recovering| lost_job(recovering, true));
}
