//! The simulator's clock: the real time, with the offset that a test sets.

use crate::lock;
use std::sync::Mutex;
use std::time::Duration;
use time::format_description::FormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const NAIVE: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");
const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// The compact ISO 8601 of pre-signed links.
const COMPACT: &[FormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

pub(crate) struct Clock {
    /// How far it started behind the real time.
    behind: Duration,
    ahead: Mutex<Duration>,
}

impl Clock {
    pub(crate) fn behind(behind: Duration) -> Self {
        Clock { behind, ahead: Mutex::default() }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() - self.behind + *lock(&self.ahead)
    }

    pub(crate) fn advance(&self, by: Duration) {
        *lock(&self.ahead) += by;
    }
}

/// v3's format of a time, with a time zone.
pub(crate) fn iso(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// v1's format of a time, without a time zone.
pub(crate) fn naive(time: OffsetDateTime) -> String {
    time.format(NAIVE).unwrap_or_default()
}

/// The format of a time in links.
pub(crate) fn compact(time: OffsetDateTime) -> String {
    time.format(COMPACT).unwrap_or_default()
}

/// The time that [`compact`] wrote.
pub(crate) fn read_compact(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, COMPACT).ok().map(PrimitiveDateTime::assume_utc)
}

/// The format of a time in HTTP headers.
pub(crate) fn http_date(time: OffsetDateTime) -> String {
    time.format(HTTP_DATE).unwrap_or_default()
}
