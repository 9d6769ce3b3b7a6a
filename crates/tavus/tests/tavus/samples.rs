//! Every sample callback and every sample answer, and what is read from it.

use tavus::{KINDS, paths};
use webhook::Status;
use webhook_testing::asked::{Answer, kind};
use webhook_testing::samples;

use crate::TAVUS;

const fn answer(file: &'static str, status: Status, links: &'static str) -> Answer {
    Answer { links, ..Answer::new(file, status) }
}

const fn failed(file: &'static str, failure: (&'static str, &'static str)) -> Answer {
    Answer { failure, ..Answer::new(file, Status::Failed) }
}

const fn named(answer: Answer, echoed: &'static str) -> Answer {
    Answer { echoed, ..answer }
}

/// A conversation's state is its last event that counts.
const fn after(state: &'static str, answer: Answer) -> Answer {
    Answer { state, ..answer }
}

const SHUTDOWN: &str = "system.shutdown";
const EXCEPTION: &str = "exception_encountered_during_conversation_startup";

#[rustfmt::skip]
pub const ANSWERS: &[Answer] = &[
    answer("conversation.active", Status::Pending, ""),
    after("system.replica_joined", answer("conversation.active.joined", Status::Pending, "")),
    after(SHUTDOWN, answer("conversation.ended", Status::Pending, "")),
    after(SHUTDOWN, failed("conversation.ended.exception", ("", EXCEPTION))),
    after(SHUTDOWN, failed("conversation.ended.internal-error", ("", "internal error occurred at step 3"))),
    after("application.transcription_ready", answer("conversation.ended.transcription-ready", Status::Succeeded, "")),
    answer("replica.completed", Status::Succeeded, ""),
    failed("replica.error", ("", "The training video is too short.")),
    answer("replica.ready", Status::Succeeded, ""),
    answer("replica.started", Status::Pending, ""),
    named(failed("video.deleted", ("deleted", "")), "order_86"),
    named(failed("video.error", ("", "The script could not be spoken.")), "order_81"),
    named(answer("video.generating", Status::Pending, ""), "order_85"),
    named(answer("video.queued", Status::Pending, ""), "order_84"),
    named(answer("video.ready", Status::Succeeded, "gif page stream thumbnail video"), "order_80"),
    answer("video.ready.without-name", Status::Succeeded, "page stream video"),
];

/// Every callback, and the id that it claims.
pub const CALLBACKS: &[(&str, &str)] = &[
    ("conversation.pal_joined", "c1a2b3c"),
    ("conversation.perception_analysis", "c1a2b3c"),
    ("conversation.recording_copy_failed", "c1a2b3c"),
    ("conversation.recording_ready", "c1a2b3c"),
    ("conversation.replica_joined", "c1a2b3c"),
    ("conversation.shutdown", "c1a2b3c"),
    ("conversation.transcription_ready", "c1a2b3c"),
    ("replica.error", "r1a2b3d"),
    ("replica.ready", "r1a2b3c"),
    ("replica.ready.face", "r1a2b3e"),
    ("video.error", "vid1a2b3d"),
    ("video.ready", "vid1a2b3c"),
];

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    TAVUS.every_file_has_its_line_and_every_line_its_file();
    for kind in KINDS {
        let has_sample = CALLBACKS.iter().any(|(file, _)| self::kind(file) == *kind);
        assert!(has_sample, "add a callback of the kind {kind}");
    }
}

#[test]
fn every_answer_is_read_as_the_job_that_it_is() {
    TAVUS.every_answer_is_read_as_the_job_that_it_is();
}

#[test]
fn every_callback_leads_to_the_job_that_it_is_about() {
    TAVUS.every_callback_leads_to_the_job_that_it_is_about();
    for (file, entity_id) in CALLBACKS {
        assert_eq!(paths(kind(file), entity_id).len(), 1, "{file}");
    }
}

#[test]
fn a_callback_is_no_event_of_a_job() {
    TAVUS.a_callback_is_no_event_of_a_job();
}

#[test]
fn the_readme_says_what_every_answer_means() {
    // A conversation has no states of its own: the README tells its events.
    TAVUS.the_readme_says_what_every_answer_means(|kind| kind != "conversation");
}

#[test]
fn no_two_samples_are_the_same_event() {
    samples::no_two_are_the_same_event(&TAVUS.events());
}

#[test]
fn a_conversation_happened_when_its_transcript_was_ready() {
    let event = &TAVUS.events()["conversation.ended.transcription-ready"];
    assert_eq!(
        (event.occurred_at, event.created_at.as_deref()),
        (Some(1_790_846_401), Some("2026-10-01T09:20:01.123456Z"))
    );
}

#[test]
fn every_link_in_a_sample_is_marked() {
    samples::every_link_is_marked(&TAVUS.events());
}
