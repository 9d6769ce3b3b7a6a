//! What follows from all that is known of an id, in plain words. Pure.

use aws::jobs::printable;
use heygen::Outcome;
use heygen::api::Progress;
use serde_json::json;
use webhook::{Platform, Status};

/// What a platform says of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Says {
    pub(crate) word: &'static str,
    pub(crate) ended: Option<Outcome>,
    is_unknown: bool,
    waits_for_input: bool,
}

/// HeyGen's word. One that is not known may be anything, so it is not shown.
impl From<&Progress> for Says {
    fn from(progress: &Progress) -> Self {
        Says {
            word: word(progress),
            ended: progress.outcome(),
            is_unknown: *progress == Progress::NotFound,
            waits_for_input: *progress == Progress::WaitingForInput,
        }
    }
}

/// Another platform's answer, as what it means here; `None` if it does not know the job.
impl From<Option<Status>> for Says {
    fn from(status: Option<Status>) -> Self {
        let ended = match status {
            Some(Status::Succeeded) => Some(Outcome::Succeeded),
            Some(Status::Failed) => Some(Outcome::Failed),
            Some(Status::Pending) | None => None,
        };
        let word = status.map_or("not_found", Status::as_str);
        Says { word, ended, is_unknown: status.is_none(), waits_for_input: false }
    }
}

/// One job, or an entity that HeyGen was asked about without a job here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known<'a> {
    pub(crate) platform: Platform,
    pub(crate) name: String,
    pub(crate) entity_id: &'a str,
    /// `None` if no event said how it ended.
    pub(crate) status: Option<Status>,
    /// The type of the event that decided, and when it was received.
    pub(crate) decided: Option<(&'a str, &'a str)>,
    pub(crate) failure: Option<&'a str>,
    pub(crate) links_have_expired: bool,
    /// `None` if the platform was not asked, or did not answer.
    pub(crate) says: Option<Says>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) jobs: Vec<Known<'a>>,
    /// Entities without a job here, as far as HeyGen knows them.
    pub(crate) only_at_heygen: Vec<Known<'a>>,
    pub(crate) events: usize,
    /// The reasons of the dead letters.
    pub(crate) dead: Vec<&'a str>,
    /// Whether HeyGen was asked for an entity and knows none.
    pub(crate) heygen_knows_none: bool,
    /// Whether everything could be read.
    pub(crate) is_complete: bool,
}

pub(crate) fn conclude(facts: &Facts<'_>) -> Vec<String> {
    let mut lines: Vec<_> = facts.jobs.iter().map(of_job).collect();
    lines.extend(facts.only_at_heygen.iter().map(|known| format!("{}: no job here. {}", known.name, missing(known))));
    let mut reasons = facts.dead.clone();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        lines.push(format!("In the dead-letter queue: {reason}. When the reason is gone, run redrive."));
    }
    if lines.is_empty() {
        lines.push(
            match (facts.events, facts.heygen_knows_none, facts.is_complete) {
                (0, _, false) => "Nothing was found of it, but not everything could be read: see above.",
                (0, true, _) => {
                    "Nothing is known of it, neither here nor at HeyGen: check the id and HeyGen's workspace."
                }
                (0, false, _) => {
                    "Nothing is known of it here. HeyGen can only be asked by the id of a video, a translation, …"
                }
                _ => "Its events are recorded. None says how a job ended.",
            }
            .to_owned(),
        );
    }
    lines
}

fn of_job(job: &Known<'_>) -> String {
    let name = &job.name;
    let decided = job.decided.map_or_else(String::new, |(event, at)| format!(", decided by {event} at {at}"));
    let title = job.platform.title();
    let ended = job.says.and_then(|says| says.ended);
    match (job.status, ended) {
        (Some(Status::Succeeded), _) if job.links_have_expired => {
            format!("{name}: succeeded{decided}. Its links have expired: run refresh.")
        }
        (Some(Status::Succeeded), _) => format!("{name}: succeeded{decided}."),
        (Some(Status::Failed), Some(Outcome::Succeeded)) => {
            let next = backfill(job.entity_id);
            format!(
                "{name}: {title} says {}, this deployment says failed: {next}",
                job.says.map_or("", |says| says.word)
            )
        }
        (Some(Status::Failed), _) => {
            let why = job.failure.map_or_else(String::new, |failure| format!(": {}", failure.trim_end_matches('.')));
            format!("{name}: failed{decided}{why}.")
        }
        (Some(Status::Pending) | None, Some(_)) => {
            let (word, next) = (job.says.map_or("", |says| says.word), backfill(job.entity_id));
            format!("{name}: {title} says {word}, this deployment says pending: {next}")
        }
        (Some(Status::Pending) | None, None) => format!("{name}: not finished. {}", missing(job)),
    }
}

/// Of what has no end here.
fn missing(known: &Known<'_>) -> String {
    let title = known.platform.title();
    match known.says {
        None => format!("{title} could not be asked."),
        Some(says) if says.is_unknown => {
            format!("{title} does not know it: check the id and {title}'s workspace.")
        }
        Some(Says { word, ended: Some(_), .. }) => format!("{title} says {word}: {}", backfill(known.entity_id)),
        Some(says) if says.waits_for_input => format!("{title} waits for an answer of its user."),
        Some(Says { word, .. }) => format!("{title} says {word}: its webhook comes when it ends."),
    }
}

/// The request that brings back this very entity, however long ago it ended.
fn backfill(entity_id: &str) -> String {
    let request = json!({"action": "backfill", "entity_id": entity_id});
    // Only what a shell takes as it is.
    let is_plain = entity_id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match is_plain {
        true => format!("run {request} (make backfill ENTITY_ID={entity_id})."),
        false => format!("run {}.", printable(&request.to_string())),
    }
}

pub(crate) fn word(progress: &Progress) -> &'static str {
    match progress {
        Progress::Waiting => "waiting",
        Progress::Pending => "pending",
        Progress::Queued => "queued",
        Progress::Processing => "processing",
        Progress::Running => "running",
        Progress::Thinking => "thinking",
        Progress::WaitingForInput => "waiting_for_input",
        Progress::Reviewing => "reviewing",
        Progress::Generating => "generating",
        Progress::Completed => "completed",
        Progress::Failed => "failed",
        Progress::Cancelled => "cancelled",
        Progress::NotFound => "not_found",
        Progress::Other(_) => "something unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conclusion_says_what_is_and_what_to_do() {
        let known = |status, at_heygen: Option<&Progress>| Known {
            name: "video v1".to_owned(),
            entity_id: "v1",
            status,
            decided: Some(("avatar_video.success", "2026-11-22T03:40:00.000Z")),
            failure: Some("INSUFFICIENT_CREDIT"),
            says: at_heygen.map(Says::from),
            ..Known::default()
        };
        let job =
            |status, at_heygen: Option<&Progress>| Facts { jobs: vec![known(status, at_heygen)], ..Facts::default() };
        let none = Facts { is_complete: true, ..Facts::default() };
        let (done, failed) = (Some(Status::Succeeded), Some(Status::Failed));
        let (completed, unknown) = (Some(&Progress::Completed), Some(&Progress::NotFound));
        let expired = Known { links_have_expired: true, ..known(done, None) };
        for (facts, expected) in [
            (job(done, None), "video v1: succeeded, decided by avatar_video.success at 2026-11-22T03:40:00.000Z."),
            (Facts { jobs: vec![expired], ..none.clone() }, "Its links have expired: run refresh."),
            (job(failed, Some(&Progress::Failed)), "000Z: INSUFFICIENT_CREDIT."),
            (
                job(failed, completed),
                "this deployment says failed: run {\"action\":\"backfill\",\"entity_id\":\"v1\"} (make backfill ENTITY_ID=v1).",
            ),
            (
                job(None, completed),
                "this deployment says pending: run {\"action\":\"backfill\",\"entity_id\":\"v1\"} (make backfill ENTITY_ID=v1).",
            ),
            (job(Some(Status::Pending), Some(&Progress::Cancelled)), "HeyGen says cancelled, this deployment"),
            (job(None, Some(&Progress::Running)), "not finished. HeyGen says running: its webhook comes"),
            (job(None, unknown), "not finished. HeyGen does not know it"),
            (job(None, None), "not finished. HeyGen could not be asked."),
            (
                Facts { only_at_heygen: vec![known(None, completed)], ..none.clone() },
                "video v1: no job here. HeyGen says completed: run {\"action\":\"backfill\",\"entity_id\":\"v1\"} (make backfill ENTITY_ID=v1).",
            ),
            (Facts { dead: vec!["planted", "planted"], ..none.clone() }, "In the dead-letter queue: planted. When"),
            (none.clone(), "Nothing is known of it here. HeyGen can only"),
            (Facts { heygen_knows_none: true, ..none.clone() }, "neither here nor at HeyGen"),
            (Facts { is_complete: false, ..none.clone() }, "not everything could be read"),
            (Facts { events: 2, ..none }, "Its events are recorded. None says how a job ended."),
        ] {
            let lines = conclude(&facts);
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].contains(expected), "{:?} is not in {:?}", expected, lines[0]);
        }
    }

    #[test]
    fn the_conclusion_names_the_jobs_own_platform() {
        let conclusion = |status, says: Option<Option<Status>>| {
            let says = says.map(Says::from);
            let job =
                Known { platform: Platform::Did, name: "did.talk t1".to_owned(), status, says, ..Known::default() };
            conclude(&Facts { jobs: vec![job], ..Facts::default() }).remove(0)
        };
        let (done, failed, pending) = (Some(Status::Succeeded), Some(Status::Failed), Some(Status::Pending));
        for (status, says, expected) in [
            (
                None,
                Some(done),
                "did.talk t1: D-ID says succeeded, this deployment says pending: run {\"action\":\"backfill\"",
            ),
            (failed, Some(done), "D-ID says succeeded, this deployment says failed: run"),
            (failed, Some(failed), "did.talk t1: failed."),
            (pending, Some(pending), "not finished. D-ID says pending: its webhook comes when it ends."),
            (pending, Some(None), "not finished. D-ID does not know it: check the id and D-ID's workspace."),
            (pending, None, "not finished. D-ID could not be asked."),
            (done, Some(failed), "did.talk t1: succeeded."),
        ] {
            let line = conclusion(status, says);
            assert!(line.contains(expected), "{expected:?} is not in {line:?}");
        }
    }

    #[test]
    fn a_dead_letter_is_named_beside_its_job() {
        let job = Known { name: "video v1".to_owned(), status: Some(Status::Failed), ..Known::default() };
        let lines = conclude(&Facts { jobs: vec![job], dead: vec!["planted"], ..Facts::default() });
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn an_id_that_a_shell_may_not_take_as_it_is_is_only_shown_in_json() {
        assert_eq!(backfill("a b\"\u{1b}"), r#"run {"action":"backfill","entity_id":"a b\"\u001b"}."#);
    }
}
