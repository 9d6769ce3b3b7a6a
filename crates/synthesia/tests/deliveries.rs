//! Every sample delivery, and the event that is read from it.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use webhook::{Event, Platform, Status, Verified};

const DELIVERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries/synthesia");

/// A sample file and its content. `""` stands for an absent field.
struct Sample {
    file: &'static str,
    status: Option<Status>,
    /// The last digit of the entity id.
    video: u8,
    callback_id: &'static str,
    /// The names of the links, in order.
    links: &'static str,
    /// Code and message.
    failure: (&'static str, &'static str),
    seconds: Option<u32>,
    occurred_at: Option<i64>,
}

const NO: Sample = Sample {
    file: "",
    status: None,
    video: 0,
    callback_id: "",
    links: "",
    failure: ("", ""),
    seconds: None,
    occurred_at: None,
};

use Status::{Failed, Succeeded};

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    Sample { file: "video.archived", video: 8, callback_id: "order_84", occurred_at: Some(1_760_000_120), ..NO },
    Sample { file: "video.completed", status: Some(Succeeded), video: 1, callback_id: "order_77", links: "captions_srt captions_vtt gif thumbnail video", seconds: Some(43), occurred_at: Some(1_760_000_300), ..NO },
    Sample { file: "video.completed.in-progress", video: 6, callback_id: "order_82", occurred_at: Some(1_760_000_060), ..NO },
    Sample { file: "video.completed.no-callback-id", status: Some(Succeeded), video: 3, links: "captions_srt captions_vtt thumbnail video", seconds: Some(3600), occurred_at: Some(1_760_000_300), ..NO },
    Sample { file: "video.completed.no-links", status: Some(Succeeded), video: 4, callback_id: "order_80", occurred_at: Some(1_760_000_300), ..NO },
    Sample { file: "video.completed.rejected", status: Some(Failed), video: 5, callback_id: "order_81", failure: ("rejected", "Moderation rejected the video."), occurred_at: Some(1_760_000_060), ..NO },
    Sample { file: "video.failed", status: Some(Failed), video: 2, failure: ("", "The script was rejected."), occurred_at: Some(1_760_000_000), ..NO },
    Sample { file: "video.failed.callback-id", status: Some(Failed), video: 7, callback_id: "order_83", failure: ("", "An avatar is no longer available."), occurred_at: Some(1_760_000_120), ..NO },
];

/// Samples of types that Synthesia does not document.
const UNKNOWN_ON_PURPOSE: &[&str] = &["video.archived"];

/// Every file in the folder, by its name without `.json`.
fn deliveries() -> BTreeMap<String, Event> {
    let files = fs::read_dir(DELIVERIES).into_iter().flatten().flatten();
    files.filter_map(|file| delivery(&file.path())).collect()
}

fn delivery(path: &Path) -> Option<(String, Event)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let body = fs::read(path).ok()?;
    Some((name.to_owned(), synthesia::read(&Verified::assume_authentic(body))))
}

fn or_empty(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    let files: BTreeSet<String> = deliveries().into_keys().collect();
    let lines: BTreeSet<String> = SAMPLES.iter().map(|sample| sample.file.to_owned()).collect();
    let without_line: Vec<_> = files.difference(&lines).collect();
    assert!(without_line.is_empty(), "add a line to SAMPLES above for each of {without_line:?}");
    let without_file: Vec<_> = lines.difference(&files).collect();
    assert!(without_file.is_empty(), "add events/deliveries/synthesia/<name>.json for each of {without_file:?}");
}

#[test]
fn every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose() {
    let types: BTreeSet<String> = deliveries().into_values().filter_map(|event| event.event_type).collect();
    let expected = synthesia::KNOWN.iter().chain(UNKNOWN_ON_PURPOSE).map(|name| (*name).to_owned()).collect();
    assert_eq!(types, expected);
}

#[test]
fn every_sample_is_read_as_the_event_that_it_is() {
    let deliveries = deliveries();
    for sample in SAMPLES {
        let (file, event) = (sample.file, &deliveries[sample.file]);
        let event_type = event.event_type.as_deref().unwrap();
        let is_known = synthesia::KNOWN.contains(&event_type);
        assert!(file.starts_with(event_type), "{file}");
        assert_eq!(
            (event.platform, event.is_json, event.is_known_type),
            (Platform::Synthesia, true, is_known),
            "{file}"
        );
        assert_eq!(event.kind.as_deref(), is_known.then_some("synthesia.video"), "{file}");
        assert_eq!(event.status, sample.status, "{file}");
        let entity_id = format!("1f0c7a1e-0000-4000-8000-{:012}", sample.video);
        assert_eq!(event.entity_id.as_ref(), Some(&entity_id), "{file}");
        assert_eq!(or_empty(event.callback_id.as_ref()), sample.callback_id, "{file}");
        let links: Vec<&str> = event.links.keys().map(String::as_str).collect();
        assert_eq!(links.join(" "), sample.links, "{file}");
        let failure = event.failure.as_ref();
        let code = or_empty(failure.and_then(|failure| failure.code.as_ref()));
        let message = or_empty(failure.and_then(|failure| failure.message.as_ref()));
        assert_eq!((code, message), sample.failure, "{file}");
        assert_eq!((event.duration_seconds, event.occurred_at), (sample.seconds, sample.occurred_at), "{file}");
        assert!(!event.entity_is_reused, "{file}");

        let item_key = event.job().map(|job| job.item_key());
        assert_eq!(item_key, sample.status.map(|_| format!("job#synthesia.video#{entity_id}")), "{file}");
    }
}

#[test]
fn the_readme_names_every_type_kind_and_link() {
    let readme = include_str!("../README.md");
    let links = SAMPLES.iter().flat_map(|sample| sample.links.split_whitespace()).map(str::to_owned);
    let kinds = synthesia::KINDS.iter().map(|kind| format!("synthesia.{kind}"));
    let types = synthesia::KNOWN.iter().map(|event_type| (*event_type).to_owned());
    let missing: BTreeSet<_> =
        links.chain(kinds).chain(types).filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "crates/synthesia/README.md lacks {missing:?}");
}

#[test]
fn no_two_samples_are_the_same_event() {
    let deliveries = deliveries();
    let identities: BTreeSet<&str> = deliveries.values().map(|event| event.identity.as_str()).collect();
    assert_eq!(identities.len(), deliveries.len());
}

/// The tests that search logs and errors for leaked links search for this mark.
#[test]
fn every_link_in_a_sample_is_marked() {
    for (file, event) in deliveries() {
        for link in event.links.values() {
            assert!(link.contains("canary-link-"), "{file}: {link}");
        }
        assert!(!format!("{event:?} {:?}", event.job()).contains("canary-link"), "{file}");
    }
}
