//! All that is known of one id, as text for people.

use crate::explain::explanation::{AtHeyGen, AtPlatform, DeadLetter, Event, Explanation, Job};
use aws::clock::to_text;
use aws::jobs::printable;
use std::fmt;
use webhook::{Platform, Status};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, parts) in [
            ("Jobs", texts(&self.jobs)),
            ("Events, as they were received", texts(&self.events)),
            ("Dead letters", texts(&self.dead_letters)),
            ("HeyGen says now", texts(&self.at_heygen)),
            ("Other platforms say now", texts(&self.at_platforms)),
        ] {
            if !parts.is_empty() {
                writeln!(f, "{title}")?;
            }
            parts.iter().try_for_each(|part| writeln!(f, "{part}"))?;
        }
        if self.omitted > 0 {
            writeln!(f, "{} more are not listed.", self.omitted)?;
        }
        if self.undelivered > 0 {
            let which = "did not reach the event bus at about the time when these jobs changed";
            let whose = "The reports name no job, so they may be about other jobs";
            writeln!(
                f,
                "Job events that {which}: {}. {whose}. To publish all of them: replay, with undelivered.",
                self.undelivered
            )?;
        }
        writeln!(f, "Its log lines, in CloudWatch Logs Insights\n  {}", self.log_query)?;
        self.not_read.iter().try_for_each(|problem| writeln!(f, "Not read: {}", printable(problem)))?;
        write!(f, "Conclusion")?;
        self.conclusion.iter().try_for_each(|line| write!(f, "\n  {}", printable(line)))
    }
}

fn texts<T: fmt::Display>(parts: &[T]) -> Vec<String> {
    parts.iter().map(|part| printable_lines(&part.to_string().lines().collect::<Vec<_>>())).collect()
}

fn printable_lines<S: AsRef<str>>(lines: &[S]) -> String {
    lines.iter().map(|line| printable(line.as_ref())).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or("not ended", Status::as_str);
        write!(f, "  {}: {status}", self.name())?;
        if !self.event_type.is_empty() {
            write!(f, " by {}, received at {}", self.event_type, self.received_at)?;
        }
        if !["", "none"].contains(&self.previous_status.as_str()) {
            write!(f, ", before that {}", self.previous_status)?;
        }
        if let Some(callback_id) = &self.callback_id {
            write!(f, "\n    callback_id {callback_id}")?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "\n    failure {failure}")?;
        }
        if let Some(reason) = &self.reason {
            write!(f, "\n    reason {reason}")?;
        }
        self.links.iter().try_for_each(|(name, link)| write!(f, "\n    {name} {link}"))?;
        if let Some(at) = self.links_expire_at {
            let note = match self.links_expire {
                Some("expired") => "expired at",
                Some("soon") => "expires within three days, at",
                _ => "expires at",
            };
            write!(f, "\n    the first link {note} {}", to_text(at))?;
        }
        self.tracked.iter().try_for_each(|(name, value)| match value.as_str() {
            Some(text) => write!(f, "\n    {name} {text}"),
            None => write!(f, "\n    {name} {value}"),
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_type = self.event_type.as_deref().unwrap_or("(no event type)");
        let identity = self.identity.get(..12).unwrap_or(&self.identity);
        let whose = whose(self.platform);
        write!(f, "  {}  {whose}{event_type}  {identity}  via {}, {}", self.received_at, self.via, self.endpoint)?;
        if let Some(request_id) = &self.request_id {
            write!(f, ", request {request_id}")?;
        }
        let sent = format!("after {} sent it", self.platform.title());
        for (seconds, what) in [(self.seconds_to_receive, sent.as_str()), (self.seconds_to_record, "to record")] {
            seconds.map_or(Ok(()), |seconds| write!(f, ", {seconds} s {what}"))?;
        }
        if self.has_decided {
            write!(f, ", decided its job")?;
        }
        self.job_omitted.as_ref().map_or(Ok(()), |why| write!(f, ", its job was not changed: {why}"))
    }
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sent = self.sent_at.map_or_else(|| "?".to_owned(), to_text);
        let event_type = self.event_type.as_deref().unwrap_or("not readable");
        write!(f, "  {sent}  {}{event_type}  {}", whose(self.platform), self.reason)
    }
}

impl fmt::Display for AtHeyGen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {} {}: {}", self.kind, self.entity_id, self.status)?;
        self.links_expire_at.map_or(Ok(()), |at| write!(f, ", with links until {}", to_text(at)))?;
        match self.delivered_events {
            None => Ok(()),
            Some(0) => write!(f, ", and HeyGen's list of delivered events has no event of it"),
            Some(1) => write!(f, ", and HeyGen's list of delivered events has an event of it"),
            Some(count) => write!(f, ", and HeyGen's list of delivered events has {count} events of it"),
        }
    }
}

impl fmt::Display for AtPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {} {}: {}", self.platform.title(), self.kind, self.entity_id, self.status)?;
        self.links_expire_at.map_or(Ok(()), |at| write!(f, ", with links until {}", to_text(at)))
    }
}

/// HeyGen is meant where no platform is named.
fn whose(platform: Platform) -> String {
    if platform == Platform::HeyGen { String::new() } else { format!("{}: ", platform.title()) }
}
