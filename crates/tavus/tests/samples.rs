//! Every sample callback and every sample answer, and what is read from it.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tavus::{KINDS, claimed_ids, echoed, paths, read};
use webhook::callback::Callback;
use webhook::{Event, LookUp, Platform, Secret, Status, Unverified};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");

/// The job that an answer is read as. `""` stands for an absent text.
struct Answer {
    file: &'static str,
    state: &'static str,
    status: Status,
    /// The names of the links, in order.
    links: &'static str,
    /// Code and message.
    failure: (&'static str, &'static str),
    /// The order that the answer names.
    echoed: &'static str,
}

const fn answer(file: &'static str, state: &'static str, status: Status, links: &'static str) -> Answer {
    Answer { file, state, status, links, failure: ("", ""), echoed: "" }
}

const fn failed(file: &'static str, state: &'static str, failure: (&'static str, &'static str)) -> Answer {
    Answer { failure, ..answer(file, state, Status::Failed, "") }
}

const fn named(answer: Answer, echoed: &'static str) -> Answer {
    Answer { echoed, ..answer }
}

const SHUTDOWN: &str = "system.shutdown";
const EXCEPTION: &str = "exception_encountered_during_conversation_startup";

#[rustfmt::skip]
const ANSWERS: &[Answer] = &[
    answer("conversation.active", "active", Status::Pending, ""),
    answer("conversation.active.joined", "system.replica_joined", Status::Pending, ""),
    answer("conversation.ended", SHUTDOWN, Status::Pending, ""),
    failed("conversation.ended.exception", SHUTDOWN, ("", EXCEPTION)),
    failed("conversation.ended.internal-error", SHUTDOWN, ("", "internal error occurred at step 3")),
    answer("conversation.ended.transcription-ready", "application.transcription_ready", Status::Succeeded, ""),
    answer("replica.completed", "completed", Status::Succeeded, ""),
    failed("replica.error", "error", ("", "The training video is too short.")),
    answer("replica.ready", "ready", Status::Succeeded, ""),
    answer("replica.started", "started", Status::Pending, ""),
    named(failed("video.deleted", "deleted", ("deleted", "")), "order_86"),
    named(failed("video.error", "error", ("", "The script could not be spoken.")), "order_81"),
    named(answer("video.generating", "generating", Status::Pending, ""), "order_85"),
    named(answer("video.queued", "queued", Status::Pending, ""), "order_84"),
    named(answer("video.ready", "ready", Status::Succeeded, "gif page stream thumbnail video"), "order_80"),
    answer("video.ready.without-name", "ready", Status::Succeeded, "page stream video"),
];

/// Every callback, and the id that it claims.
const CALLBACKS: &[(&str, &str)] = &[
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

/// Every file of a folder, by its name without `.json`.
fn samples(folder: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(format!("{EVENTS}/{folder}/tavus")).unwrap().map(|file| file.unwrap().path());
    let name = |path: &std::path::Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn kind(file: &str) -> &str {
    file.split('.').next().unwrap()
}

/// The answer as it is looked up, for an order that is no sample's.
fn looked_up(file: &str, answer: &str, callback_id: Option<&str>) -> LookUp {
    let value: Value = serde_json::from_str(answer).unwrap();
    let id = claimed_ids(kind(file)).iter().find_map(|name| value[name].as_str()).unwrap();
    LookUp {
        kind: format!("tavus.{}", kind(file)),
        entity_id: id.to_owned(),
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
    assert_eq!(files("answers"), answers, "events/answers/tavus on the left, ANSWERS above on the right");
    let callbacks: BTreeSet<_> = CALLBACKS.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files("deliveries"), callbacks, "events/deliveries/tavus on the left, CALLBACKS above on the right");
    for kind in KINDS {
        let has_sample = |files: &BTreeSet<String>| files.iter().any(|file| self::kind(file) == *kind);
        assert!(has_sample(&answers) && has_sample(&callbacks), "add samples of the kind {kind}");
    }
}

#[test]
fn every_answer_is_read_as_the_job_that_it_is() {
    let events = events();
    for Answer { file, state, status, links, failure, echoed } in ANSWERS {
        let event = &events[*file];
        assert_eq!((event.status, event.platform), (Some(*status), Platform::Tavus), "{file}");
        assert_eq!(event.event_type.as_deref(), Some(&*format!("tavus.{}.{state}", kind(file))), "{file}");
        assert!(event.is_known_type, "{file}");
        assert_eq!(event.links.keys().map(String::as_str).collect::<Vec<_>>().join(" "), *links, "{file}");
        let of_failure = event.failure.clone().map(|failure| [failure.code, failure.message]).unwrap_or_default();
        assert_eq!(of_failure.map(Option::unwrap_or_default), [failure.0, failure.1], "{file}");
        let job = event.job().unwrap();
        assert_eq!(job.item_key(), format!("job#tavus.{}#{}", kind(file), job.entity_id));
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
        let (platform, endpoint, correlation) = (Platform::Tavus, text("main"), text("order_1"));
        let callback = Callback { platform, endpoint, kind: text(kind(file)), correlation };
        let path = callback.path(&secret);
        let (callback, token) = Callback::read(platform, path.strip_prefix("/webhooks/tavus/").unwrap()).unwrap();
        let body = Unverified::new(callbacks[*file].clone().into_bytes());
        let claimed = callback.claim(&token, &[&secret], body, claimed_ids(kind(file))).unwrap();
        assert_eq!(claimed.entity_id(), Some(*entity_id), "{file}");
        assert_eq!(paths(kind(file), entity_id).len(), 1, "{file}");
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
    for Answer { file, state, status, links, .. } in ANSWERS {
        // A conversation has no states of its own: the README tells its events.
        if kind(file) == "conversation" {
            continue;
        }
        let begin = format!("| `tavus.{}` |", kind(file));
        let row = readme.lines().find(|line| line.starts_with(&begin)).unwrap();
        let columns: Vec<&str> = row[begin.len()..].split('|').collect();
        let [pending, failed, succeeded, of_links, _] = columns[..] else { panic!("{row}") };
        let column = match status {
            Status::Pending => pending,
            Status::Failed => failed,
            Status::Succeeded => succeeded,
        };
        assert!(column.contains(&format!("`{}`", state)), "{file}: {row}");
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
fn a_conversation_happened_when_its_transcript_was_ready() {
    let event = &events()["conversation.ended.transcription-ready"];
    assert_eq!(
        (event.occurred_at, event.created_at.as_deref()),
        (Some(1_790_846_401), Some("2026-10-01T09:20:01.123456Z"))
    );
}

/// The tests that search logs and errors for leaked links search for this mark.
#[test]
fn every_link_in_a_sample_is_marked() {
    for (file, event) in events() {
        assert!(event.links.values().all(|link| link.contains("canary-link-")), "{file}");
        assert!(!format!("{event:?} {:?}", event.job()).contains("canary-link"), "{file}");
    }
}
