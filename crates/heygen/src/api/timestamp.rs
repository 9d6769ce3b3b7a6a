//! Points in time, in any of the forms that HeyGen writes.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// ISO 8601 without a zone, as v1 writes it. It is taken as UTC.
const NAIVE: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");

/// A larger number counts milliseconds: as seconds it would be after the year 5000.
const LARGEST_SECONDS: f64 = 1e11;

/// Reads Unix time in seconds, with or without a fraction, or in milliseconds; or ISO 8601. Anything else is `None`.
pub(super) fn parse(text: &str) -> Option<OffsetDateTime> {
    match text.parse::<f64>() {
        Ok(number) => unix(number),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339)
            .or_else(|_| PrimitiveDateTime::parse(text, NAIVE).map(PrimitiveDateTime::assume_utc))
            .ok(),
    }
}

fn unix(number: f64) -> Option<OffsetDateTime> {
    let milliseconds = if number > LARGEST_SECONDS { number } else { number * 1000.0 };
    // 0 stands for a time that is not known.
    if !(milliseconds > 0.0 && milliseconds <= LARGEST_SECONDS * 1000.0) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "1e14 at most, and HeyGen's fractions end with milliseconds")]
    let nanoseconds = i128::from(milliseconds.round() as i64) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn seconds_milliseconds_and_iso_8601_are_one_time() {
        let expected = datetime!(2026-11-21 08:00:00.25 UTC);
        for text in [
            "1795248000.25",
            "1795248000250",
            "2026-11-21T08:00:00.25Z",
            "2026-11-21T08:00:00.250",
            "2026-11-21T09:00:00.25+01:00",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(parse("1795248000"), Some(datetime!(2026-11-21 08:00 UTC)));
        assert_eq!(parse("2026-11-21T08:00:00"), Some(datetime!(2026-11-21 08:00 UTC)));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "0", "-5", "soon", "NaN", "inf", "1e300", "2026-11-21", "2026-13-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
