//! When a pre-signed link expires, read from the link itself.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// The compact ISO 8601 of the signing schemes of S3 and Google Cloud Storage.
const COMPACT: &[BorrowedFormatItem<'static>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// When the link expires, as a Unix time in seconds; `None` if it does not say so.
///
/// Known are S3's `X-Amz-Date` with `X-Amz-Expires`, Google's `X-Goog-Date` with `X-Goog-Expires`, the
/// `Expires` of CloudFront and of S3's older scheme, and Azure's `se`.
pub fn expires_at(link: &str) -> Option<i64> {
    let query = link.split_once('?')?.1.split('#').next()?;
    let field = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let signed_for = |date: &str, seconds: &str| {
        let signed = PrimitiveDateTime::parse(field(date)?, COMPACT).ok()?.assume_utc();
        let lifetime = field(seconds)?.parse::<u32>().ok()?;
        Some((signed + Duration::seconds(lifetime.into())).unix_timestamp())
    };
    let until = || field("Expires")?.parse().ok().filter(|at| *at > 0);
    let azure = || Some(OffsetDateTime::parse(&field("se")?.replace("%3A", ":"), &Rfc3339).ok()?.unix_timestamp());
    signed_for("X-Amz-Date", "X-Amz-Expires")
        .or_else(|| signed_for("X-Goog-Date", "X-Goog-Expires"))
        .or_else(until)
        .or_else(azure)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-09-14T10:15:00Z.
    const SIGNED: i64 = 1_789_380_900;

    #[test]
    fn each_scheme_says_when_a_link_expires() {
        for (query, expected) in [
            ("X-Amz-Algorithm=a&X-Amz-Date=20260914T101500Z&X-Amz-Expires=604800&X-Amz-Signature=s", SIGNED + 604_800),
            ("x-goog-date=20260914T101500Z&x-goog-expires=60", SIGNED + 60),
            ("Expires=1789380900&Signature=s&Key-Pair-Id=k#t=1", SIGNED),
            ("sv=1&se=2026-09-14T10%3A15%3A00Z&sig=s", SIGNED),
        ] {
            assert_eq!(expires_at(&format!("https://x.invalid/a.mp4?{query}")), Some(expected), "{query}");
        }
    }

    #[test]
    fn a_link_that_does_not_say_so_has_no_expiry() {
        for query in [
            "",
            "?",
            "?token=1",
            "?Expires=",
            "?Expires=soon",
            "?Expires=-1",
            "?X-Amz-Date=20260914T101500Z",
            "?X-Amz-Expires=60",
            "?X-Amz-Date=yesterday&X-Amz-Expires=60",
            "?X-Amz-Date=20260914T101500Z&X-Amz-Expires=99999999999999999999",
            "#Expires=1789380900",
            "?se=never",
        ] {
            assert_eq!(expires_at(&format!("https://x.invalid/a.mp4{query}")), None, "{query}");
        }
    }
}
