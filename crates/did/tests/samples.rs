//! Every sample callback and every sample answer, and what is read from it.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use did::{KINDS, claimed_ids, echoed, paths, read};
use serde_json::Value;
use webhook::callback::Callback;
use webhook::{Event, LookUp, Platform, Secret, Status, Unverified};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// The job that an answer is read as. `""` stands for an absent text.
struct Answer {
    file: &'static str,
    status: Status,
    /// The names of the links, in order.
    links: &'static str,
    /// Code and message.
    failure: (&'static str, &'static str),
    /// The order that the answer names.
    echoed: &'static str,
}

const fn succeeded(file: &'static str, links: &'static str, echoed: &'static str) -> Answer {
    Answer { file, status: Status::Succeeded, links, failure: ("", ""), echoed }
}

const fn failed(file: &'static str, failure: (&'static str, &'static str), echoed: &'static str) -> Answer {
    Answer { file, status: Status::Failed, links: "", failure, echoed }
}

const fn pending(file: &'static str, echoed: &'static str) -> Answer {
    Answer { file, status: Status::Pending, links: "", failure: ("", ""), echoed }
}

const ALL: &str = "subtitles thumbnail video";
const REJECTED: (&str, &str) = ("rejected", "");
const REFUSED: (&str, &str) = ("ModerationError", "The script was refused.");
const PROCESSING: (&str, &str) = ("ProcessingError", "The scene could not be made.");

#[rustfmt::skip]
const ANSWERS: &[Answer] = &[
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
const CALLBACKS: &[(&str, &str)] = &[("agent.chat-end", ""), ("talk.done", "tlk_A1b2C3"), ("talk.error", "tlk_A1b2C4")];

/// Every file of a folder, by its name without `.json`.
fn samples(folder: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(format!("{EVENTS}/{folder}/did")).unwrap().map(|file| file.unwrap().path());
    let name = |path: &std::path::Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn kind(file: &str) -> &str {
    file.split('.').next().unwrap()
}

fn state(file: &str) -> &str {
    file.split('.').nth(1).unwrap()
}

fn looked_up(file: &str, answer: &str, callback_id: Option<&str>) -> LookUp {
    let value: Value = serde_json::from_str(answer).unwrap();
    LookUp {
        kind: format!("did.{}", kind(file)),
        entity_id: value["id"].as_str().unwrap().to_owned(),
        callback_id: callback_id.map(str::to_owned),
        answer: Some(serde_json::from_str(answer).unwrap()),
        failure: None,
    }
}

fn events() -> BTreeMap<String, Event> {
    let event = |(file, answer): (String, String)| {
        let event = read(&looked_up(&file, &answer, Some("order_1")).to_verified());
        (file, event)
    };
    samples("answers").into_iter().map(event).collect()
}

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    let files = |folder| samples(folder).into_keys().collect::<BTreeSet<_>>();
    let answers: BTreeSet<_> = ANSWERS.iter().map(|answer| answer.file.to_owned()).collect();
    assert_eq!(files("answers"), answers, "events/answers/did on the left, ANSWERS above on the right");
    let callbacks: BTreeSet<_> = CALLBACKS.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files("deliveries"), callbacks, "events/deliveries/did on the left, CALLBACKS above on the right");
    for kind in KINDS {
        assert!(answers.iter().any(|file| self::kind(file) == *kind), "add samples of the kind {kind}");
    }
}

#[test]
fn every_answer_is_read_as_the_job_that_it_is() {
    let events = events();
    for Answer { file, status, links, failure, echoed } in ANSWERS {
        let event = &events[*file];
        assert_eq!((event.status, event.platform), (Some(*status), Platform::Did), "{file}");
        assert_eq!(event.event_type, Some(format!("did.{}.{}", kind(file), state(file))), "{file}");
        assert!(event.is_known_type, "{file}");
        assert_eq!(event.links.keys().map(String::as_str).collect::<Vec<_>>().join(" "), *links, "{file}");
        let of_failure = event.failure.clone().map(|failure| [failure.code, failure.message]).unwrap_or_default();
        assert_eq!(of_failure.map(Option::unwrap_or_default), [failure.0, failure.1], "{file}");
        let job = event.job().unwrap();
        assert_eq!(job.item_key(), format!("job#did.{}#{}", kind(file), job.entity_id));
        assert_eq!(event.correlation_id().as_str(), "order_1", "{file}: the order of the look-up comes first");

        let answer = &samples("answers")[*file];
        let own = self::echoed(kind(file), &serde_json::from_str(answer).unwrap());
        assert_eq!(own.unwrap_or_default(), *echoed, "{file}");
        let event = read(&looked_up(file, answer, None).to_verified());
        let expected = if echoed.is_empty() { &job.entity_id } else { *echoed };
        assert_eq!(event.correlation_id().as_str(), expected, "{file}");
    }
}

#[test]
fn every_callback_leads_to_the_job_that_it_is_about() {
    let secret = Secret::new("capability-key-1").unwrap();
    let callbacks = samples("deliveries");
    for (file, entity_id) in CALLBACKS {
        let text = |text: &str| text.to_owned();
        let (platform, endpoint, correlation) = (Platform::Did, text("main"), text("order_1"));
        let callback = Callback { platform, endpoint, kind: text(kind(file)), correlation };
        let path = callback.path(&secret);
        let (callback, token) = Callback::read(platform, path.strip_prefix("/webhooks/did/").unwrap()).unwrap();
        let body = Unverified::new(callbacks[*file].clone().into_bytes());
        let claimed = callback.claim(&token, &[&secret], body, claimed_ids(kind(file))).unwrap();
        assert_eq!(claimed.entity_id().unwrap_or_default(), *entity_id, "{file}");
        assert_eq!(paths(kind(file), entity_id).is_empty(), entity_id.is_empty(), "{file}");
    }
}

/// It must not be given to `read` at all; should that happen, it says nothing.
#[test]
fn a_callback_is_no_event_of_a_job() {
    for (file, body) in samples("deliveries") {
        let event = read(&webhook::Verified::assume_authentic(body.into_bytes()));
        assert_eq!((event.status, event.job(), event.entity_id, event.is_json), (None, None, None, true), "{file}");
        assert!(event.links.is_empty() && event.kind.is_none(), "{file}");
    }
}

#[test]
fn the_readme_says_what_every_answer_means() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for Answer { file, status, links, .. } in ANSWERS {
        let begin = format!("| `did.{}` |", kind(file));
        let row = readme.lines().find(|line| line.starts_with(&begin)).unwrap();
        let columns: Vec<&str> = row[begin.len()..].split('|').collect();
        let [_, pending, failed, succeeded, of_links, _] = columns[..] else { panic!("{row}") };
        let column = match status {
            Status::Pending => pending,
            Status::Failed => failed,
            Status::Succeeded => succeeded,
        };
        assert!(column.contains(&format!("`{}`", state(file))), "{file}: {row}");
        assert!(links.split_whitespace().all(|link| of_links.contains(&format!("`{link}`"))), "{file}: {row}");
    }
}

#[test]
fn no_two_samples_are_the_same_event() {
    let events = events();
    let identities: BTreeSet<_> = events.values().map(|event| event.identity.as_str()).collect();
    assert_eq!(identities.len(), events.len());
}

#[test]
fn lengths_and_the_expiry_of_links_are_read() {
    let events = events();
    let talk = &events["talk.done"];
    assert_eq!((talk.duration_seconds, talk.job().unwrap().links_expire_at), (Some(2), Some(1_790_935_200)));
    assert_eq!(events["expressive.done"].duration_seconds, Some(13));
    assert_eq!(events["clip.done"].duration_seconds, None);
}

/// The tests that search logs and errors for leaked links search for this mark.
#[test]
fn every_link_in_a_sample_is_marked() {
    for (file, event) in events() {
        assert!(event.links.values().all(|link| link.contains("canary-link-")), "{file}");
        assert!(!format!("{event:?} {:?}", event.job()).contains("canary-link"), "{file}");
    }
}
