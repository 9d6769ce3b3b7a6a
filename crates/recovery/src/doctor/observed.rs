//! What the doctor looks at, as others describe it. What could not be read is a reason instead of a value, and never
//! stops the rest.

use crate::backfill::cursor::Missed;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use webhook::Platform;

/// A value, or why it could not be read.
pub(crate) type Seen<T> = Result<T, String>;

/// How HeyGen answers this deployment's API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeyGen {
    Answers,
    /// No key is configured, so nothing asks HeyGen.
    NotAsked,
    KeyMissing,
    /// What is stored is not a key, or cannot be in a header.
    KeyUnusable,
    KeyRejected,
    KeyForbidden,
    NoCredit,
    Limited,
    Gone,
    /// No usable response.
    Unreachable,
}

/// A platform other than HeyGen, or HeyGen as far as it is given callback URLs.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    pub(crate) platform: Platform,
    pub(crate) has_endpoints: bool,
    pub(crate) has_key: bool,
    /// `None` if it is not asked here.
    pub(crate) answers: Option<Seen<Answers>>,
    /// The endpoints for callbacks whose secret has no value.
    pub(crate) without_secret: Seen<Vec<String>>,
    /// Jobs whose callbacks do not come here as those of this job.
    pub(crate) called: Seen<Vec<Called>>,
}

/// A job, and where the platform says that its callbacks go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Called {
    /// Its `callback_id`; the platform's id if it has none.
    pub(crate) job: String,
    pub(crate) url: CallbackUrl,
}

/// The callback URL of a job. It does not hold the URL, which is a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallbackUrl {
    Ours,
    /// It does not lead to this deployment.
    Elsewhere,
    /// It leads here, and the receiver answers 404: its path is no callback's, or its token is not valid.
    Refused,
    /// It was made for another kind or another order.
    OfAnotherJob,
    /// The platform calls nobody.
    Absent,
}

/// How such a platform answers this deployment's API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    Works,
    KeyMissing,
    /// The key cannot be in a header, or the base URL is none.
    Unusable,
    Rejected,
    Payment,
    Limited,
    /// No usable response.
    Unreachable,
}

/// Messages of a queue, as SQS counts them: approximately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) waiting: u64,
    /// Received, and neither deleted nor shown again.
    pub(crate) hidden: u64,
}

/// admin's reply to `list`, as far as it is used here.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Endpoints {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) missing: Vec<String>,
    pub(crate) unreadable: usize,
    /// Those of other platforms.
    #[serde(default)]
    pub(crate) platforms: Vec<PlatformEndpoint>,
}

/// An endpoint of another platform, as admin sees it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PlatformEndpoint {
    pub(crate) endpoint: String,
    /// What a sync would do.
    pub(crate) left: Vec<LeftChange>,
    /// Why admin could not look, or not do something.
    pub(crate) problem: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LeftChange {
    pub(crate) change: String,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) endpoint: Option<String>,
    pub(crate) endpoint_id: String,
    pub(crate) status: Option<String>,
    pub(crate) state: String,
    pub(crate) drift: Option<String>,
    pub(crate) secret: Option<String>,
    /// When that secret was stored, in RFC 3339.
    pub(crate) secret_since: Option<String>,
    pub(crate) verified_at: Option<String>,
    pub(crate) problem: Option<String>,
}

impl Endpoint {
    /// When its secret was stored, in Unix seconds; `None` if that is not known.
    pub(crate) fn secret_since(&self) -> Option<i64> {
        Some(aws::clock::from_text(self.secret_since.as_deref()?).ok()?.unix_timestamp())
    }
}

/// Of a verification.
#[derive(Debug, Clone)]
pub(crate) enum Probes {
    Ended(Vec<Probe>),
    /// admin still waited for a probe when the time was over.
    TooSlow,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Probe {
    pub(crate) endpoint: String,
    pub(crate) problem: Option<String>,
}

/// admin's reply to `event-types`, as far as it is used here.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct EventTypes {
    pub(crate) new: Vec<String>,
    pub(crate) removed: Vec<String>,
}

/// Lambda's event source mapping of the queue.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Polling {
    #[serde(rename = "UUID", default)]
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) last_processing_result: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Pipe {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) current_state: String,
    pub(crate) desired_state: Option<String>,
}

/// A topic that alarms notify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) arn: String,
    /// How many subscriptions were confirmed.
    pub(crate) receivers: u64,
}

/// How far a list was read, in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadList {
    pub(crate) list: &'static str,
    pub(crate) read_until: Option<i64>,
    /// Of a scan that has not ended: the time that it began with.
    pub(crate) scanning_until: Option<i64>,
    pub(crate) missed: Option<Missed>,
}

/// The value as this type. A reply in another form is not shown: it may hold anything.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(what: impl fmt::Display, value: Value) -> Seen<T> {
    serde_json::from_value(value).map_err(|_| format!("{what} answered in an unknown form"))
}

/// The seconds between two runs of a schedule: `rate(15 minutes)`, or at least daily if it is a `cron(…)`.
pub(crate) fn period(schedule: &str) -> i64 {
    const DAY: i64 = 86_400;
    let rate = schedule.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')'));
    let parts = rate.and_then(|rate| rate.trim().split_once(' '));
    let Some((Ok(count), unit)) = parts.map(|(count, unit)| (count.parse::<i64>(), unit.trim())) else { return DAY };
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        _ => DAY,
    };
    count.saturating_mul(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schedule_has_a_period() {
        for (schedule, seconds) in [
            ("rate(15 minutes)", 900),
            ("rate(1 minute)", 60),
            ("rate(2 hours)", 7_200),
            ("rate(1 day)", 86_400),
            ("cron(0 12 * * ? *)", 86_400),
        ] {
            assert_eq!(period(schedule), seconds, "{schedule}");
        }
    }

    #[test]
    fn a_reply_in_another_form_is_not_shown() {
        let error = read::<Polling>("lambda:GetEventSourceMapping", json!({"State": {"secret": "canary"}}));
        assert_eq!(error.unwrap_err(), "lambda:GetEventSourceMapping answered in an unknown form");
    }
}
