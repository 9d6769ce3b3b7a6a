//! Hears the events of a stack's bus.

use crate::support::{TIMEOUT, unique};
use aws_sdk_sqs::types::QueueAttributeName;
use jsonschema::Validator;
use local::aws_api::JsonService::Events;
use local::client::Client;
use local::stack_dir::workspace;
use serde_json::{Value, json};
use std::cell::RefCell;
use webhook::Platform;

/// A rule on the bus with a queue as its target, as a user would attach one.
pub struct Listener<'a> {
    stack: &'a Client,
    rule: String,
    queue_url: String,
    schema: Validator,
    received: RefCell<Vec<Value>>,
}

impl<'a> Listener<'a> {
    pub fn new(stack: &'a Client) -> Self {
        let (api, name, bus) = (stack.api(), unique("job-events"), stack.stack().bus.as_str());
        let pattern = json!({"source": ["heygen-webhooks"]}).to_string();
        let rule = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern});
        let rule = api.json(Events, "PutRule", &rule).unwrap();
        let (queue_url, arn) = stack.sqs(async |sqs| {
            let queue = sqs.create_queue().queue_name(&name).send().await.unwrap();
            let url = queue.queue_url().unwrap().to_owned();
            let arn = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
            let arn = arn.send().await.unwrap().attributes().unwrap()[&QueueAttributeName::QueueArn].clone();
            (url, arn)
        });
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }]});
        let allow = async |sqs: &aws_sdk_sqs::Client| {
            let set = sqs.set_queue_attributes().queue_url(&queue_url);
            set.attributes(QueueAttributeName::Policy, policy.to_string()).send().await
        };
        stack.sqs(allow).unwrap();
        let target = json!({"EventBusName": bus, "Rule": name, "Targets": [{"Id": "queue", "Arn": arn}]});
        assert_eq!(api.json(Events, "PutTargets", &target).unwrap()["FailedEntryCount"], 0);
        let schema = std::fs::read(workspace().join("events/eventbridge/job-event.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        Listener { stack, rule: name, queue_url, schema, received: RefCell::default() }
    }

    /// Receives the events that are there. Each one, of other tests' jobs as well, has to match the schema.
    pub fn listen(&self) {
        let receive = async |sqs: &aws_sdk_sqs::Client| {
            sqs.receive_message()
                .queue_url(&self.queue_url)
                .max_number_of_messages(10)
                .wait_time_seconds(1)
                .send()
                .await
        };
        loop {
            let got = self.stack.sqs(receive).unwrap();
            if got.messages().is_empty() {
                return;
            }
            for message in got.messages() {
                let event: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                let detail = &event["detail"];
                self.schema.validate(detail).unwrap_or_else(|why| panic!("{why}: {detail}"));
                assert_eq!(event["source"], "heygen-webhooks");
                let title = Platform::of_kind(text(detail, "kind")).title();
                let word = match text(detail, "status") {
                    "succeeded" => "Succeeded",
                    _ => "Failed",
                };
                assert_eq!(text(&event, "detail-type"), format!("{title} Job {word}"));
                self.received.borrow_mut().push(detail.clone());
                let receipt = message.receipt_handle().unwrap();
                let delete = async |sqs: &aws_sdk_sqs::Client| {
                    sqs.delete_message().queue_url(&self.queue_url).receipt_handle(receipt).send().await
                };
                self.stack.sqs(delete).unwrap();
            }
        }
    }

    /// The events of a video, in order.
    pub fn events_of(&self, entity_id: &str) -> Vec<Value> {
        self.received.borrow().iter().filter(|detail| detail["entity_id"] == entity_id).cloned().collect()
    }

    pub fn wait_for_event_of(&self, entity_id: &str) {
        let event = || {
            self.listen();
            Ok((!self.events_of(entity_id).is_empty()).then_some(()))
        };
        self.stack.wait_for("a job event", TIMEOUT, event).unwrap();
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let (api, bus) = (self.stack.api(), self.stack.stack().bus.as_str());
        let _ = api.json(Events, "RemoveTargets", &json!({"EventBusName": bus, "Rule": self.rule, "Ids": ["queue"]}));
        let _ = api.json(Events, "DeleteRule", &json!({"EventBusName": bus, "Name": self.rule}));
        let _ = self.stack.sqs(async |sqs| sqs.delete_queue().queue_url(&self.queue_url).send().await);
    }
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
