//! One format of time: UTC, milliseconds, fixed width, so that texts sort by time.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

const FORMAT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// `2026-11-21T03:40:00.123Z`.
pub fn to_text(at: OffsetDateTime) -> String {
    // Formatting fails only for years that four digits cannot hold.
    at.to_offset(UtcOffset::UTC).format(FORMAT).unwrap_or_else(|_| at.unix_timestamp().to_string())
}

/// Reads any RFC 3339 time, [`to_text`]'s included.
pub fn from_text(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn text_is_utc_with_milliseconds_and_comes_back() {
        let at = datetime!(2026-11-21 05:40:00.120 +2);
        assert_eq!(to_text(at), "2026-11-21T03:40:00.120Z");
        assert_eq!(from_text(&to_text(at)).unwrap(), at);
    }
}
