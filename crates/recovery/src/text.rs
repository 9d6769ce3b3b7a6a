//! The replies as text for people.

use crate::action::To;
use crate::dead_letters::letter::Counts;
use crate::reply::{
    BackfillReply, ContinuedReply, CreditReply, PurgeReply, RecoverReply, RedriveReply, RefreshReply, ReplayReply,
    Reply, SourceReply, Stopped, SweepReply, Swept, TrackReply,
};
use aws::clock::to_text;
use aws::jobs::printable;
use std::fmt;
use webhook::Platform;

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Recover(reply) => reply.fmt(f),
            Reply::Backfill(reply) => reply.fmt(f),
            Reply::Track(reply) => reply.fmt(f),
            Reply::Sweep(reply) => reply.fmt(f),
            Reply::Refresh(reply) => reply.fmt(f),
            Reply::Redrive(reply) => reply.fmt(f),
            Reply::Purge(reply) => reply.fmt(f),
            Reply::Explain(reply) => reply.fmt(f),
            Reply::Replay(reply) => reply.fmt(f),
            Reply::Doctor(reply) => reply.fmt(f),
        }
    }
}

impl fmt::Display for RecoverReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backfill {
            Some(backfill) => backfill.fmt(f)?,
            None => write!(f, "HeyGen's lists were not read: that needs HeyGen's API v3.")?,
        }
        write!(f, "\n{}", self.sweep)?;
        if let Some(CreditReply { credits, usd, .. }) = &self.credit {
            if let Some(credits) = credits {
                write!(f, "\n{credits} credits are left at HeyGen.")?;
            }
            if let Some(usd) = usd {
                write!(f, "\n${usd} are left at HeyGen.")?;
            }
        }
        self.continued.iter().try_for_each(|continued| write!(f, "\n{continued}"))
    }
}

impl fmt::Display for ContinuedReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unfinished {}: ", printable(&self.action))?;
        match (&self.reply, &self.error) {
            (Some(reply), _) => write!(f, "{reply}"),
            (None, Some(error)) => write!(f, "failed, and is tried again by the next run: {}", printable(error)),
            (None, None) => write!(f, "no time was left for it in this run."),
        }
    }
}

impl fmt::Display for BackfillReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            writeln!(f, "{source}")?;
        }
        if let Some(at) = self.left_out_after {
            writeln!(f, "What ended after {} was left out: its delivery may still be on its way.", to_text(at))?;
        }
        let missed: usize = self.sources.iter().map(|source| source.missed).sum();
        match missed {
            0 => write!(f, "Nothing was missed."),
            1 => write!(f, "1 event was never received. It is on the queue now."),
            _ => write!(f, "{missed} events were never received. They are on the queue now."),
        }
    }
}

impl fmt::Display for SourceReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SourceReply { list, listed, missed, unreadable, is_complete, stopped, .. } = self;
        let time = |at: Option<time::OffsetDateTime>| at.map_or_else(|| "?".to_owned(), to_text);
        let name = list.replace('_', " ");
        if self.is_refused {
            let title = Platform::of_kind(list).title();
            return write!(f, "  {name}  {title} does not show this list to this API key");
        }
        if self.from.is_none() {
            return write!(f, "  {name}  asked for by its id: {listed} found, {missed} missed");
        }
        write!(f, "  {name}  from {} to {}: {listed} read, {missed} missed", time(self.from), time(self.until))?;
        if *unreadable > 0 {
            write!(f, ", {unreadable} not readable")?;
        }
        match stopped {
            Some(stopped) => write!(f, "; {}", why(*stopped)),
            None if *is_complete => Ok(()),
            None => write!(f, ", to be continued"),
        }
    }
}

impl fmt::Display for TrackReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrackReply { id, item, expected_by, callback_url } = self;
        write!(f, "{}  {}, expected by {}", printable(id), printable(item), to_text(*expected_by))?;
        callback_url.as_ref().map_or(Ok(()), |url| write!(f, "\nCallback URL, for this job alone: {url}"))
    }
}

impl fmt::Display for SweepReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SweepReply { heygen, platforms, is_complete } = self;
        match counts(heygen, Platform::HeyGen) {
            None if platforms.is_empty() => write!(f, "No tracked job was due.")?,
            None => write!(f, "No tracked job of HeyGen's was due.")?,
            Some(counts) => write!(f, "Tracked jobs: {counts}.")?,
        }
        for (platform, swept) in platforms {
            let counts = counts(&swept.jobs, *platform);
            write!(f, " {}: {}", platform.title(), counts.as_deref().unwrap_or("none was looked at"))?;
            match swept.stopped {
                None => write!(f, ".")?,
                Some(stopped) => write!(f, "; {}.", why(stopped))?,
            }
        }
        if *is_complete { Ok(()) } else { write!(f, " To be continued.") }
    }
}

/// `None` if no job was found.
fn counts(swept: &Swept, platform: Platform) -> Option<String> {
    let Swept { finished, running, unknown, failed, refreshed } = swept;
    let title = platform.title();
    let counts = [
        (finished, "ended without an event here".to_owned()),
        (running, "not at the end".to_owned()),
        (unknown, format!("unknown to {title}")),
        (failed, format!("failed, because {title} does not know them")),
        (refreshed, "with new links".to_owned()),
    ];
    let texts: Vec<_> =
        counts.iter().filter(|(count, _)| **count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn why(stopped: Stopped) -> &'static str {
    match stopped {
        Stopped::NoKey => "there is no API key to ask for others, which wait for their events",
        Stopped::RateLimited => "its rate limit is exceeded, so the rest is looked at in the next run",
        Stopped::Refused => "it could not be asked for others: see the error",
        Stopped::Failing => "it fails, so the rest is looked at in the next run",
    }
}

impl fmt::Display for RefreshReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefreshReply { refreshed, left } = self;
        write!(f, "New links of {refreshed} jobs are on the queue.")?;
        match left {
            0 => Ok(()),
            _ => write!(f, " {left} jobs did not succeed, or HeyGen has no call for them: they stay as they are."),
        }
    }
}
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { found, unreadable, newer, oldest, by_reason, by_type, .. } = self;
        write!(f, "Dead letters: {found}.")?;
        if let Some(oldest) = oldest {
            write!(f, " The oldest of those asked for was sent at {}.", to_text(*oldest))?;
        }
        writeln!(f)?;
        for (title, groups) in [("by reason", by_reason), ("by type", by_type)] {
            if !groups.is_empty() {
                writeln!(f, "  {title}")?;
            }
            for (name, count) in groups {
                writeln!(f, "    {count:>6}  {name}")?;
            }
        }
        if *unreadable > 0 {
            let why = "cannot be read by this release, and would only come back";
            writeln!(f, "{unreadable} {why}: left out, unless you add \"unreadable\": true.")?;
        }
        if *newer > 0 {
            writeln!(f, "{newer} arrived after this began: left out. If they came back, their reason is not gone.")?;
        }
        Ok(())
    }
}

impl fmt::Display for RedriveReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RedriveReply { letters, in_queue, redriven, is_complete, .. } = self;
        write!(f, "{letters}")?;
        match (self.dry_run, is_complete) {
            (true, true) => {
                let matching = letters.matching;
                write!(
                    f,
                    "{matching} would be sent back to the queue. Nothing was changed: \"dry_run\": false sends them."
                )
            }
            (true, false) => {
                write!(f, "There are more than one run can count")?;
                in_queue.map_or(Ok(()), |all| write!(f, ", some {all} in all"))?;
                write!(f, ". Nothing was changed.")
            }
            (false, true) => write!(f, "{redriven} were sent back to the queue."),
            (false, false) => write!(f, "{redriven} were sent back to the queue so far."),
        }
    }
}

impl fmt::Display for PurgeReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} dead letters were deleted.", self.purged)?;
        if self.is_complete { Ok(()) } else { write!(f, " There may be more: count again.") }
    }
}

impl fmt::Display for ReplayReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReplayReply { matching, replayed, skipped, .. } = self;
        if let Some(reports) = self.reports {
            writeln!(f, "Reports of undelivered job events: {reports}.")?;
        }
        match (self.to, self.dry_run) {
            (To::Bus, true) => write!(f, "{matching} jobs would be told to the bus again.")?,
            (To::Bus, false) => write!(f, "{replayed} jobs were told to the bus again.")?,
            (To::Processor, true) => write!(f, "{matching} events would go through the processor again.")?,
            (To::Processor, false) => write!(f, "{replayed} events are on the queue again.")?,
        }
        match (self.to, skipped) {
            (_, 0) => {}
            (To::Bus, _) => write!(f, " {skipped} have nothing to tell.")?,
            (To::Processor, _) => write!(f, " {skipped} are left out, because the table does not have their body.")?,
        }
        if self.dry_run {
            write!(f, " Nothing was changed: \"dry_run\": false replays them.")?;
        }
        if self.is_complete { Ok(()) } else { write!(f, " To be continued.") }
    }
}
