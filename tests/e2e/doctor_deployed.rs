//! The deployed doctor finds each planted fault of the deployment, and its next step mends it.

use crate::dead_letters::{old_report, put_dead_letter};
use crate::failures::message;
use crate::patient::{Patient, findings, mended_by_hand, mended_by_its_request, variables};
use crate::support::{Stack, disturbed_stack, success, unique};
use crate::telemetry::stack_name;
use aws_sdk_dynamodb::types::AttributeValue::S;
use local::aws_api::JsonService::CloudWatch;
use local::aws_api::QueryService::Sns;
use local::recovery::ask;
use serde_json::{Value, json};

struct Whole(Stack);

impl Patient for Whole {
    fn stack(&self) -> &Stack {
        &self.0
    }

    fn doctor(&self) -> Value {
        ask(self.0.stack(), &json!({"action": "doctor", "verify": false})).unwrap()
    }

    fn send(&self, function: &str, payload: &Value) {
        let stack = self.0.stack();
        match function {
            "admin" => drop(local::admin::ask(stack, payload).unwrap()),
            _ => while ask(stack, payload).unwrap()["more"] == true {},
        }
    }
}

impl Whole {
    /// Without what other tests left: dead letters, reports, alarms, and what was missed.
    fn clean(&self) {
        let stack = &self.0;
        stack.settled();
        let purge = async |sqs: &aws_sdk_sqs::Client| {
            let variables = variables(stack);
            for name in ["DEAD_LETTER_QUEUE_URL", "UNDELIVERED_QUEUE_URL"] {
                sqs.purge_queue().queue_url(&variables[name]).send().await.unwrap();
            }
        };
        stack.sqs(purge);
        let partition = format!("recovery#{}", stack_name(stack));
        let forget = async |dynamodb: &aws_sdk_dynamodb::Client| {
            for list in ["events", "videos", "video_translations", "lipsyncs", "ai_clippings"] {
                let delete = dynamodb.delete_item().table_name(&stack.stack().table);
                let delete = delete.key("id", S(partition.clone())).key("item", S(format!("cursor#{list}")));
                delete.send().await.unwrap();
            }
        };
        stack.dynamodb(forget);
        for alarm in self.alarms() {
            self.alarm(
                "SetAlarmState",
                json!({"AlarmName": alarm["AlarmName"], "StateValue": "OK", "StateReason": "clean"}),
            );
        }
        self.send("admin", &json!({"action": "sync", "prune": true, "force": true}));
        self.send("recovery", &json!({"action": "recover"}));
        assert_eq!(findings(self), Vec::<Value>::new());
    }

    fn alarm(&self, operation: &str, input: Value) -> Value {
        self.0.api().json(CloudWatch, operation, &input).unwrap()
    }

    fn alarms(&self) -> Vec<Value> {
        let prefix = format!("{}-", stack_name(&self.0));
        let found = self.alarm("DescribeAlarms", json!({"AlarmNamePrefix": prefix, "MaxRecords": 100}));
        found["MetricAlarms"].as_array().unwrap().clone()
    }
}

#[test]
fn faults_of_the_deployment_are_found_and_mended() {
    let Some(stack) = disturbed_stack() else { return };
    let (variables, name) = (variables(&stack), stack_name(&stack));
    let mut whole = Whole(stack);
    let whole = &mut whole;
    whole.clean();

    let order = unique("order");
    mended_by_its_request(whole, "dead-letters", |whole| {
        put_dead_letter(&whole.0, &message(success(&order, &unique("video"))))
    });
    whole.0.recorded(&order, 1);

    let undelivered = &variables["UNDELIVERED_QUEUE_URL"];
    mended_by_its_request(whole, "undelivered-job-events", |whole| {
        let report = async |sqs: &aws_sdk_sqs::Client| {
            sqs.send_message().queue_url(undelivered).message_body(old_report()).send().await
        };
        whole.0.sqs(report).unwrap();
    });

    let source = &variables["EVENT_SOURCE"];
    let enable = |whole: &Whole, enabled: bool| {
        let path = format!("/2015-03-31/event-source-mappings/{source}");
        whole.0.api().rest("lambda", "PUT", &path, &json!({"Enabled": enabled})).unwrap();
    };
    let command = format!("aws lambda update-event-source-mapping --uuid {source} --enabled");
    mended_by_hand(whole, "queue-not-read", |whole| enable(whole, false), &command, |whole, _| enable(whole, true));

    let pipe = &variables["PIPE_NAME"];
    let turn = |whole: &Whole, change: &str| {
        whole.0.api().rest("pipes", "POST", &format!("/v1/pipes/{pipe}/{change}"), &Value::Null).unwrap();
    };
    let command = format!("aws pipes start-pipe --name {pipe}");
    mended_by_hand(whole, "pipe-stopped", |whole| turn(whole, "stop"), &command, |whole, _| turn(whole, "start"));

    let alarm = format!("{name}-dead-letters");
    let state = |whole: &Whole, state: &str| {
        whole.alarm("SetAlarmState", json!({"AlarmName": alarm, "StateValue": state, "StateReason": "planted"}));
    };
    let runbook = "docs/operations.md#dead-letters. It ends by itself";
    mended_by_hand(whole, "alarm", |whole| state(whole, "ALARM"), runbook, |whole, _| state(whole, "OK"));

    let actions = |whole: &Whole, operation: &str| drop(whole.alarm(operation, json!({"AlarmNames": [alarm]})));
    let command = format!("aws cloudwatch enable-alarm-actions --alarm-names {alarm}");
    let mute = |whole: &mut Whole| actions(whole, "DisableAlarmActions");
    mended_by_hand(whole, "alarms-muted", mute, &command, |whole, _| actions(whole, "EnableAlarmActions"));

    let deployed = whole.alarms().into_iter().find(|one| one["AlarmName"] == alarm).unwrap();
    let without_actions = |whole: &mut Whole| {
        let mut changed = deployed.clone();
        changed["AlarmActions"] = json!([]);
        whole.alarm("PutMetricAlarm", changed);
        state(whole, "OK");
    };
    mended_by_hand(whole, "alarm-without-receiver", without_actions, "Deploy the stack again", |whole, _| {
        whole.alarm("PutMetricAlarm", deployed.clone());
        state(whole, "OK");
    });

    let topic = &variables["ALARM_TOPIC"];
    let subscription = [("TopicArn", &**topic), ("Protocol", "email"), ("Endpoint", "operators@example.invalid")];
    let subscribe = |whole: &Whole| whole.0.api().query(Sns, "Subscribe", &subscription).unwrap();
    let unsubscribe = |whole: &mut Whole| {
        let arn = subscribe(whole)["SubscriptionArn"].as_str().unwrap().to_owned();
        whole.0.api().query(Sns, "Unsubscribe", &[("SubscriptionArn", &arn)]).unwrap();
    };
    let command = format!("aws sns subscribe --topic-arn {topic} --protocol email");
    mended_by_hand(whole, "alarm-email-unconfirmed", unsubscribe, &command, |whole, _| drop(subscribe(whole)));

    // The alarms of another stack are none of this one's, whatever its name begins with.
    let other = json!({
        "AlarmName": format!("{name}-staging-dead-letters"), "Namespace": "Test", "MetricName": "None", "Period": 60,
        "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum",
    });
    whole.alarm("PutMetricAlarm", other.clone());
    assert_eq!(findings(whole), Vec::<Value>::new());
    whole.alarm("DeleteAlarms", json!({"AlarmNames": [other["AlarmName"]]}));
}
