//! What CloudWatch measured of a stack, as far as the doctor looks at it: one call. Pure.

use crate::doctor::observed::{Seen, read};
use serde::Deserialize;
use serde_json::{Value, json};

const DAY: i64 = 86_400;
/// An age of a queue is measured each minute, and shown minutes later.
const RECENT: i64 = 900;
/// Attempts of a message may be 45 minutes apart.
const HOUR: i64 = 3_600;

/// Times and ages are in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The age of the oldest message of each queue. SQS leaves out what was received three times or more.
    pub(crate) queue_age: Option<i64>,
    pub(crate) dead_letter_age: Option<i64>,
    /// How long a message that was returned to the queue within the last hour had been there.
    pub(crate) retried_for: Option<i64>,
    /// Of the last day.
    pub(crate) unreadable_bodies: u64,
    pub(crate) unknown_event_types: u64,
    /// The minute of the last delivery with a wrong signature, and of the last one that was accepted, within a day.
    pub(crate) mismatched_at: Option<i64>,
    pub(crate) accepted_at: Option<i64>,
}

/// The input of `GetMetricData`.
pub(crate) fn input(stack: &str, queue_url: &str, dead_letter_queue_url: &str, now: i64) -> Value {
    let of_stack = |name: &str, stat: &str, outcome: Option<&str>| {
        let outcome = outcome.map(|outcome| ("Outcome", outcome));
        let dimensions: Vec<_> = [("Stack", stack)].into_iter().chain(outcome).collect();
        query("HeygenWebhooks", name, &dimensions, stat)
    };
    let age = |url: &str| {
        let name = url.rsplit('/').next().unwrap_or_default();
        query("AWS/SQS", "ApproximateAgeOfOldestMessage", &[("QueueName", name)], "Maximum")
    };
    let queries = [
        ("queue_age", age(queue_url)),
        ("dead_letter_age", age(dead_letter_queue_url)),
        ("retried_for", of_stack("SecondsOnQueue", "Maximum", None)),
        ("unreadable_bodies", of_stack("UnreadableBodies", "Sum", None)),
        ("unknown_event_types", of_stack("UnknownEventTypes", "Sum", None)),
        ("mismatched", of_stack("Deliveries", "Sum", Some("signature_mismatch"))),
        ("accepted", of_stack("Deliveries", "Sum", Some("accepted"))),
    ];
    let queries = queries.map(|(id, stat)| json!({"Id": id, "MetricStat": stat}));
    json!({"StartTime": now - DAY, "EndTime": now + 60, "MetricDataQueries": queries})
}

fn query(namespace: &str, name: &str, dimensions: &[(&str, &str)], stat: &str) -> Value {
    let dimensions: Vec<_> = dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let metric = json!({"Namespace": namespace, "MetricName": name, "Dimensions": dimensions});
    json!({"Metric": metric, "Period": 60, "Stat": stat})
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reply {
    metric_data_results: Vec<Series>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    id: String,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

impl Measured {
    pub(crate) fn read(reply: Value, now: i64) -> Seen<Self> {
        let Reply { metric_data_results: all } = read("cloudwatch:GetMetricData", reply)?;
        let points = |id: &str| points(&all, id);
        let latest = |id: &str| points(id).into_iter().filter(|(at, _)| now - at < RECENT).max().map(|(_, age)| age);
        let last = |id: &str| points(id).into_iter().filter(|(_, count)| *count > 0).map(|(at, _)| at).max();
        let sum = |id: &str| points(id).into_iter().map(|(_, count)| count).sum::<i64>().try_into().unwrap_or_default();
        Ok(Measured {
            queue_age: latest("queue_age"),
            dead_letter_age: latest("dead_letter_age"),
            retried_for: points("retried_for").into_iter().filter(|(at, _)| now - at < HOUR).map(|(_, age)| age).max(),
            unreadable_bodies: sum("unreadable_bodies"),
            unknown_event_types: sum("unknown_event_types"),
            mismatched_at: last("mismatched"),
            accepted_at: last("accepted"),
        })
    }
}

/// Minutes with their values, in any order.
#[expect(clippy::cast_possible_truncation, reason = "Unix seconds, ages in seconds and counts")]
fn points(all: &[Series], id: &str) -> Vec<(i64, i64)> {
    let found = all.iter().filter(|series| series.id == id);
    found
        .flat_map(|one| one.timestamps.iter().zip(&one.values))
        .map(|(at, value)| (*at as i64, *value as i64))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    fn measured(id: &str, points: &[(i64, f64)]) -> Measured {
        let (timestamps, values): (Vec<_>, Vec<_>) = points.iter().map(|(ago, value)| (NOW - ago, *value)).unzip();
        let series = json!({"Id": id, "Timestamps": timestamps, "Values": values, "StatusCode": "Complete"});
        Measured::read(json!({"MetricDataResults": [series, {"Id": "of_another"}]}), NOW).unwrap()
    }

    #[test]
    fn the_latest_age_counts_whatever_the_order_and_an_old_one_does_not() {
        for points in [[(120, 50.0), (60, 7.0)], [(60, 7.0), (120, 50.0)]] {
            assert_eq!(measured("queue_age", &points).queue_age, Some(7));
            assert_eq!(measured("dead_letter_age", &points).dead_letter_age, Some(7));
            assert_eq!(measured("retried_for", &points).retried_for, Some(50));
        }
        assert_eq!(measured("queue_age", &[(RECENT, 50.0)]), Measured::default());
        assert_eq!(measured("retried_for", &[(HOUR, 50.0)]), Measured::default());
    }

    #[test]
    fn counts_are_summed_and_deliveries_have_a_last_minute() {
        let points = [(60, 0.0), (7_200, 2.0), (80_000, 3.0)];
        assert_eq!(measured("unreadable_bodies", &points).unreadable_bodies, 5);
        assert_eq!(measured("unknown_event_types", &points).unknown_event_types, 5);
        assert_eq!(measured("mismatched", &points).mismatched_at, Some(NOW - 7_200));
        assert_eq!(measured("accepted", &points).accepted_at, Some(NOW - 7_200));
    }

    #[test]
    fn each_metric_is_of_this_stack_or_of_one_of_its_queues() {
        let input = input("shop", "https://sqs.example.invalid/1/queue", "https://sqs.example.invalid/1/dead", NOW);
        let queries = input["MetricDataQueries"].as_array().unwrap();
        for query in queries {
            let dimension = &query["MetricStat"]["Metric"]["Dimensions"][0];
            let pair = (dimension["Name"].as_str().unwrap(), dimension["Value"].as_str().unwrap());
            assert!([("Stack", "shop"), ("QueueName", "queue"), ("QueueName", "dead")].contains(&pair), "{query}");
        }
        assert_eq!((&input["StartTime"], &input["EndTime"]), (&json!(NOW - DAY), &json!(NOW + 60)));
    }
}
