//! Every sample callback and every sample answer, and what is read from it.

use webhook::Status;
use webhook_testing::asked::Answer;
use webhook_testing::samples;

use crate::DID;

const fn succeeded(file: &'static str, links: &'static str, echoed: &'static str) -> Answer {
    Answer { links, echoed, ..Answer::new(file, Status::Succeeded) }
}

const fn failed(file: &'static str, failure: (&'static str, &'static str), echoed: &'static str) -> Answer {
    Answer { failure, echoed, ..Answer::new(file, Status::Failed) }
}

const fn pending(file: &'static str, echoed: &'static str) -> Answer {
    Answer { echoed, ..Answer::new(file, Status::Pending) }
}

const ALL: &str = "subtitles thumbnail video";
const REJECTED: (&str, &str) = ("rejected", "");
const REFUSED: (&str, &str) = ("ModerationError", "The script was refused.");
const PROCESSING: (&str, &str) = ("ProcessingError", "The scene could not be made.");

#[rustfmt::skip]
pub const ANSWERS: &[Answer] = &[
    pending("animation.created", ""),
    succeeded("animation.done", "video", ""),
    failed("animation.error", ("DriverError", "Driver provided is invalid or cannot be loaded"), ""),
    pending("animation.started", ""),
    pending("clip.created", ""),
    succeeded("clip.done", "video", ""),
    failed("clip.error", ("UnknownError", "The clip could not be made."), ""),
    failed("clip.rejected", REJECTED, ""),
    pending("clip.started", ""),
    pending("expressive.created", "order_93"),
    succeeded("expressive.done", ALL, "order_93"),
    failed("expressive.error", PROCESSING, "order_93"),
    failed("expressive.rejected", REFUSED, "order_93"),
    pending("expressive.started", "order_93"),
    pending("scene.created", "order_93"),
    succeeded("scene.done", ALL, "order_93"),
    failed("scene.error", PROCESSING, "order_93"),
    failed("scene.rejected", REFUSED, "order_93"),
    pending("scene.started", "order_93"),
    pending("scene_avatar.created", ""),
    succeeded("scene_avatar.done", "thumbnail", ""),
    pending("scene_avatar.draft", ""),
    failed("scene_avatar.error", ("SourceError", "The video has no face."), ""),
    failed("scene_avatar.rejected", REJECTED, ""),
    pending("scene_avatar.started", ""),
    pending("scene_avatar.training-started", ""),
    pending("scene_avatar.validating", ""),
    pending("talk.created", "order_92"),
    succeeded("talk.done", "video", "order_90"),
    failed("talk.error", ("FaceError", "No face was found."), "order_91"),
    failed("talk.rejected", REJECTED, "order_92"),
    pending("talk.started", "order_92"),
    pending("translation.created", ""),
    pending("translation.created.group", ""),
    succeeded("translation.done", ALL, ""),
    succeeded("translation.done.group", "", ""),
    failed("translation.error", ("", ""), ""),
    failed("translation.error.group", ("SourceError", ""), ""),
    pending("translation.partial-done.group", ""),
    pending("translation.ready", ""),
    failed("translation.rejected", REJECTED, ""),
    pending("translation.validating", ""),
    pending("translation.validating.group", ""),
];

/// Every callback, and the id that it claims. An agent's is no callback of a job.
pub const CALLBACKS: &[(&str, &str)] =
    &[("agent.chat-end", ""), ("talk.done", "tlk_A1b2C3"), ("talk.error", "tlk_A1b2C4")];

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    DID.every_file_has_its_line_and_every_line_its_file();
}

#[test]
fn every_answer_is_read_as_the_job_that_it_is() {
    DID.every_answer_is_read_as_the_job_that_it_is();
}

#[test]
fn every_callback_leads_to_the_job_that_it_is_about() {
    DID.every_callback_leads_to_the_job_that_it_is_about();
}

#[test]
fn a_callback_is_no_event_of_a_job() {
    DID.a_callback_is_no_event_of_a_job();
}

#[test]
fn the_readme_says_what_every_answer_means() {
    DID.the_readme_says_what_every_answer_means(|_| true);
}

#[test]
fn no_two_samples_are_the_same_event() {
    samples::no_two_are_the_same_event(&DID.events());
}

#[test]
fn lengths_and_the_expiry_of_links_are_read() {
    let events = DID.events();
    let talk = &events["talk.done"];
    assert_eq!((talk.duration_seconds, talk.job().unwrap().links_expire_at), (Some(2), Some(1_790_935_200)));
    assert_eq!(events["expressive.done"].duration_seconds, Some(13));
    assert_eq!(events["clip.done"].duration_seconds, None);
}

#[test]
fn every_link_in_a_sample_is_marked() {
    samples::every_link_is_marked(&DID.events());
}
