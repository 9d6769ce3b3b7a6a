//! What follows from all that is known of an id, in plain words. Pure.

use aws::jobs::printable;
use heygen::Outcome;
use heygen::api::Progress;
use serde_json::json;
use webhook::Status;

/// One job, or an entity that HeyGen was asked about without a job here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known<'a> {
    pub(crate) name: String,
    pub(crate) entity_id: &'a str,
    /// `None` if no event said how it ended.
    pub(crate) status: Option<Status>,
    /// The type of the event that decided, and when it was received.
    pub(crate) decided: Option<(&'a str, &'a str)>,
    pub(crate) failure: Option<&'a str>,
    pub(crate) links_have_expired: bool,
    /// `None` if HeyGen was not asked, or did not answer.
    pub(crate) at_heygen: Option<&'a Progress>,
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
    let ended = job.at_heygen.and_then(Progress::outcome);
    match (job.status, ended) {
        (Some(Status::Succeeded), _) if job.links_have_expired => {
            format!("{name}: succeeded{decided}. Its links have expired: run refresh.")
        }
        (Some(Status::Succeeded), _) => format!("{name}: succeeded{decided}."),
        (Some(Status::Failed), Some(Outcome::Succeeded)) => {
            let next = backfill(job.entity_id);
            format!("{name}: HeyGen says completed, this deployment says failed: {next}")
        }
        (Some(Status::Failed), _) => {
            let why = job.failure.map_or_else(String::new, |failure| format!(": {}", failure.trim_end_matches('.')));
            format!("{name}: failed{decided}{why}.")
        }
        (Some(Status::Pending) | None, Some(_)) => {
            let (word, next) = (job.at_heygen.map_or("", word), backfill(job.entity_id));
            format!("{name}: HeyGen says {word}, this deployment says pending: {next}")
        }
        (Some(Status::Pending) | None, None) => format!("{name}: not finished. {}", missing(job)),
    }
}

/// Of what has no end here.
fn missing(known: &Known<'_>) -> String {
    match known.at_heygen {
        None => "HeyGen could not be asked.".to_owned(),
        Some(Progress::NotFound) => "HeyGen does not know it: check the id and HeyGen's workspace.".to_owned(),
        Some(progress) if progress.outcome().is_some() => {
            format!("HeyGen says {}: {}", word(progress), backfill(known.entity_id))
        }
        Some(Progress::WaitingForInput) => "HeyGen waits for an answer of its user.".to_owned(),
        Some(progress) => format!("HeyGen says {}: its webhook comes when it ends.", word(progress)),
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

/// HeyGen's word. One that is not known may be anything, so it is not shown.
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
        let known = |status, at_heygen| Known {
            name: "video v1".to_owned(),
            entity_id: "v1",
            status,
            decided: Some(("avatar_video.success", "2026-11-22T03:40:00.000Z")),
            failure: Some("INSUFFICIENT_CREDIT"),
            at_heygen,
            ..Known::default()
        };
        let job = |status, at_heygen| Facts { jobs: vec![known(status, at_heygen)], ..Facts::default() };
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
