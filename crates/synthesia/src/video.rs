//! What Synthesia says of a video, in the same words in a delivery and in an answer of its API.

use std::collections::BTreeMap;

use webhook::fields::Fields;
use webhook::{Event, Failure, Status, time_of};

/// The kinds of jobs, without the platform.
pub const KINDS: &[&str] = &["video"];

/// The kind of every job, as it is stored.
pub(crate) const KIND: &str = "synthesia.video";

/// The fields of a video that are read.
pub(crate) const PATHS: &[&str] = &[
    "id",
    "status",
    "callbackId",
    "createdAt",
    "lastUpdatedAt",
    "duration",
    "message",
    "errorCode",
    "download",
    "captions.srt",
    "captions.vtt",
    "thumbnail.image",
    "thumbnail.gif",
];

/// A video, as far as it is read.
#[derive(Clone, Copy)]
pub(crate) struct Video<'a>(pub(crate) Fields<'a>);

impl Video<'_> {
    pub(crate) fn id(self) -> Option<String> {
        self.0.text("id")
    }

    /// Synthesia's word for where the video is.
    pub(crate) fn state(self) -> Option<String> {
        self.0.text("status")
    }

    /// What the state says of the job; `None` of a word that is not known.
    pub(crate) fn status(self) -> Option<Status> {
        match self.state()?.as_str() {
            "complete" => Some(Status::Succeeded),
            // What it means is not documented: it may be said of a script, before there is a video.
            "approved" => Some(self.0.link("download").map_or(Status::Pending, |_| Status::Succeeded)),
            // A video that was deleted will not be finished.
            "error" | "rejected" | "deleted" => Some(Status::Failed),
            "in_progress" => Some(Status::Pending),
            _ => None,
        }
    }

    /// The time of its last change, as Synthesia wrote it.
    pub(crate) fn last_updated_at(self) -> Option<String> {
        self.0.text("lastUpdatedAt")
    }

    /// The same as a Unix time in seconds.
    pub(crate) fn updated_at(self) -> Option<i64> {
        self.unix_time("lastUpdatedAt")
    }

    pub(crate) fn created_at(self) -> Option<i64> {
        self.unix_time("createdAt")
    }

    fn unix_time(self, name: &str) -> Option<i64> {
        time_of(&self.0.text(name)?).map(|time| time.unix_timestamp())
    }

    /// The event, with what the video says besides its status.
    pub(crate) fn describe(self, event: Event) -> Event {
        Event {
            created_at: self.last_updated_at(),
            callback_id: self.0.text("callbackId").or(event.callback_id),
            links: self.links(),
            failure: event.failure.or_else(|| self.failure()),
            duration_seconds: self.duration(),
            ..event
        }
    }

    fn links(self) -> BTreeMap<String, String> {
        let (captions, thumbnail) = (self.0.object("captions"), self.0.object("thumbnail"));
        let links = [
            ("video", self.0.link("download")),
            ("captions_srt", captions.link("srt")),
            ("captions_vtt", captions.link("vtt")),
            ("thumbnail", thumbnail.link("image")),
            ("gif", thumbnail.link("gif")),
        ];
        links.into_iter().filter_map(|(name, link)| Some((name.to_owned(), link?))).collect()
    }

    /// Synthesia gives a message at most. Where its word says more than that the video failed, that is the code.
    fn failure(self) -> Option<Failure> {
        let telling = |state: &String| matches!(state.as_str(), "rejected" | "deleted");
        let code = self.0.text("errorCode").or_else(|| self.state().filter(telling));
        Failure::of(code, self.0.text("message"))
    }

    /// Documented as a text such as `0:00:42.500000`.
    fn duration(self) -> Option<u32> {
        self.0.whole_seconds("duration").or_else(|| clock_seconds(&self.0.text("duration")?))
    }
}

/// `h:mm:ss.ffffff` in seconds, rounded.
fn clock_seconds(text: &str) -> Option<u32> {
    let number = |digits: &str| digits.parse::<u32>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let mut parts = text.splitn(3, ':');
    let (hours, minutes, seconds) = (number(parts.next()?)?, number(parts.next()?)?, parts.next()?);
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    number(fraction)?;
    let rounded = u32::from(fraction >= "5");
    let (minutes, seconds) =
        (Some(minutes).filter(|minutes| *minutes < 60)?, Some(number(seconds)?).filter(|s| *s < 60)?);
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds + rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_in_seconds() {
        for (text, expected) in [
            ("0:00:42.500000", Some(43)),
            ("0:00:42.499999", Some(42)),
            ("0:00:42", Some(42)),
            ("1:01:01.000000", Some(3661)),
            ("00:59:59.9", Some(3600)),
            ("99999999:00:00", None),
            ("0:60:00", None),
            ("0:00:60", None),
            ("0:00", None),
            ("0:00:00:00", None),
            ("-1:00:00", None),
            ("+1:00:00", None),
            ("0:00:1.", None),
            ("0:00:1.5x", None),
            ("1 day, 0:00:00", None),
            ("", None),
        ] {
            assert_eq!(clock_seconds(text), expected, "{text:?}");
        }
    }
}
