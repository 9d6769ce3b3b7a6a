//! What an error of another platform's list means for this run. Pure.
//!
//! It stops none of HeyGen's lists, and none of a third platform's. What a person has to mend fails the run once.

use crate::backfill::source::Source;
use crate::look_up::error::{LookUpError, Problem};
use std::collections::BTreeSet;
use webhook::Platform;

/// What happens after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The rate limit is exceeded: the next run goes on, also with the platform's other lists.
    NextRun,
    /// The platform does not show this list. Whether it shows others is not known yet.
    Refused,
    /// The run fails. The platform's other lists are read all the same, as it answers.
    Failed,
    /// The run fails, and the platform's other lists wait for the next one.
    Stopped,
}

pub(crate) fn after(error: &LookUpError) -> After {
    let LookUpError::Call(failed) = error else { return After::Stopped };
    match failed.problem {
        Problem::RateLimited => After::NextRun,
        Problem::Rejected | Problem::Refused => After::Refused,
        Problem::NoCall | Problem::NotJson | Problem::TooLarge | Problem::Endless => After::Failed,
        Problem::Settings
        | Problem::Payment
        | Problem::Server
        | Problem::Timeout
        | Problem::Connection
        | Problem::Redirected => After::Stopped,
    }
}

/// A list, and why it is not shown.
type Refused = (Source, LookUpError);

/// What is known of the platforms in this run.
#[derive(Default)]
pub(crate) struct Refusals {
    shown: BTreeSet<Platform>,
    limited: BTreeSet<Platform>,
    stopped: BTreeSet<Platform>,
    refused: Vec<Refused>,
}

impl Refusals {
    /// A page of a list was read.
    pub(crate) fn shows(&mut self, platform: Platform) {
        self.shown.insert(platform);
    }

    /// Takes note of an error, and returns it if it fails the run whatever else happens.
    pub(crate) fn take(&mut self, source: Source, error: LookUpError) -> Option<LookUpError> {
        match after(&error) {
            After::NextRun => drop(self.limited.insert(source.platform())),
            After::Refused => self.refused.push((source, error)),
            After::Failed => return Some(error),
            After::Stopped => {
                self.stopped.insert(source.platform());
                return Some(error);
            }
        }
        None
    }

    pub(crate) fn is_limited(&self, platform: Platform) -> bool {
        self.limited.contains(&platform)
    }

    /// Whether the platform's lists wait for the next run.
    pub(crate) fn is_stopped(&self, platform: Platform) -> bool {
        self.is_limited(platform) || self.stopped.contains(&platform)
    }

    /// At the end: the lists that a key does not show, although it shows others. Where it shows none, the key or the base URL
    /// is wrong, and the first error says so.
    pub(crate) fn end(self) -> (Vec<Refused>, Vec<Refused>) {
        let shown = self.shown;
        let (hidden, mut failed): (Vec<_>, Vec<_>) =
            self.refused.into_iter().partition(|(source, _)| shown.contains(&source.platform()));
        let mut said = BTreeSet::new();
        failed.retain(|(source, _)| said.insert(source.platform()));
        (hidden, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look_up::error::Failed;

    fn error(platform: Platform, problem: Problem) -> LookUpError {
        LookUpError::Call(Failed { platform, problem, status: None, retry_after: None })
    }

    const VIDEO: Source = Source::Of(Platform::ElevenLabs, "elevenlabs.video");
    const IMAGE: Source = Source::Of(Platform::ElevenLabs, "elevenlabs.image");
    const TALK: Source = Source::Of(Platform::Did, "did.talk");

    #[test]
    fn a_list_that_is_not_shown_fails_the_run_only_if_its_platform_shows_none() {
        for (shows, hidden, failed) in [(true, 2, 0), (false, 0, 1)] {
            let mut refusals = Refusals::default();
            for source in [VIDEO, IMAGE] {
                assert!(refusals.take(source, error(Platform::ElevenLabs, Problem::Rejected)).is_none());
            }
            assert!(!refusals.is_stopped(Platform::ElevenLabs), "it may show another");
            refusals.shows(if shows { Platform::ElevenLabs } else { Platform::Did });
            let ended = refusals.end();
            assert_eq!((ended.0.len(), ended.1.len()), (hidden, failed), "{shows}");
        }
    }

    #[test]
    fn a_rate_limit_is_no_failure_and_stops_its_platform_alone() {
        let mut refusals = Refusals::default();
        assert!(refusals.take(VIDEO, error(Platform::ElevenLabs, Problem::RateLimited)).is_none());
        assert!(refusals.is_stopped(Platform::ElevenLabs) && refusals.is_limited(Platform::ElevenLabs));
        assert!(!refusals.is_stopped(Platform::Did) && !refusals.is_stopped(Platform::HeyGen));
        assert!(refusals.end().1.is_empty());
    }

    #[test]
    fn a_platform_that_fails_is_asked_no_more_unless_the_list_alone_is_odd() {
        for (problem, is_stopped) in
            [(Problem::Server, true), (Problem::Payment, true), (Problem::NotJson, false), (Problem::Endless, false)]
        {
            let mut refusals = Refusals::default();
            assert!(refusals.take(TALK, error(Platform::Did, problem)).is_some());
            assert_eq!(refusals.is_stopped(Platform::Did), is_stopped, "{problem:?}");
            assert!(!refusals.is_limited(Platform::Did));
        }
    }
}
