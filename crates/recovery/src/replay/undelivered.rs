//! What the pipe writes of job events that the bus did not take: a position in the table's stream and its time, and no job.
//! Pure.

use aws::clock::from_text;
use aws::queue::Received;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

/// How long the pipe tries, which is how old a change may be when it is reported.
const TRIED: Duration = Duration::HOUR;
/// Of the stream's time, which is approximate, and of the clocks.
const MARGIN: Duration = Duration::minutes(5);

/// When the changes happened that a message reports, first and last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) from: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
}

impl Times {
    /// `None` if neither the message nor SQS says when it was.
    pub(crate) fn of(message: &Received) -> Option<Self> {
        let body: Value = serde_json::from_str(&message.body).unwrap_or_default();
        let time = |value: &Value| from_text(value.as_str()?).ok();
        let batch = &body["DDBStreamBatchInfo"];
        let first = time(&batch["approximateArrivalOfFirstRecord"]);
        let last = time(&batch["approximateArrivalOfLastRecord"]);
        let reported = time(&body["timestamp"]).or(message.sent_at);
        let (from, until) = match (first.or(last), last.or(first)) {
            (Some(first), Some(last)) => (first, last),
            _ => (reported? - TRIED, reported?),
        };
        Some(Times { from: from - MARGIN, until: until + MARGIN })
    }

    pub(crate) fn has(&self, at: OffsetDateTime) -> bool {
        (self.from..=self.until).contains(&at)
    }

    pub(crate) fn is_within(&self, other: Times) -> bool {
        other.from <= self.from && self.until <= other.until
    }

    /// From the first of some to the last.
    pub(crate) fn around(all: impl IntoIterator<Item = Times>) -> Option<Times> {
        all.into_iter().reduce(|a, b| Times { from: a.from.min(b.from), until: a.until.max(b.until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    fn message(body: impl ToString) -> Received {
        let sent_at = Some(datetime!(2026-11-22 04:00 UTC));
        Received { body: body.to_string(), sent_at, ..Received::default() }
    }

    #[test]
    fn the_time_is_that_of_the_records_or_the_hour_before_the_report() {
        let batch = json!({
            "approximateArrivalOfFirstRecord": "2026-11-22T02:00:00Z",
            "approximateArrivalOfLastRecord": "2026-11-22T02:00:01Z", "batchSize": 1,
        });
        let times = Times::of(&message(json!({"DDBStreamBatchInfo": batch, "timestamp": "2026-11-22T03:00:00Z"})));
        let expected = Times { from: datetime!(2026-11-22 01:55 UTC), until: datetime!(2026-11-22 02:05:01 UTC) };
        assert_eq!(times, Some(expected));
        assert!(expected.has(datetime!(2026-11-22 02:00 UTC)) && !expected.has(datetime!(2026-11-22 03:00 UTC)));

        let reported = Times::of(&message(json!({"timestamp": "2026-11-22T03:00:00Z"}))).unwrap();
        assert_eq!((reported.from, reported.until), (datetime!(2026-11-22 01:55 UTC), datetime!(2026-11-22 03:05 UTC)));
        let sent = Times::of(&message("neither JSON nor a time")).unwrap();
        assert_eq!((sent.from, sent.until), (datetime!(2026-11-22 02:55 UTC), datetime!(2026-11-22 04:05 UTC)));
        assert_eq!(Times::of(&Received::default()), None);
        let both = Times::around([reported, sent]).unwrap();
        assert_eq!((both.from, both.until), (reported.from, sent.until));
        assert!(sent.is_within(both) && !both.is_within(sent));
    }
}
