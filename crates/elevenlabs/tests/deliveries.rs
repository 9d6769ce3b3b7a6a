//! Every sample delivery, and the event that is read from it.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use webhook::Status::{Failed, Pending, Succeeded};
use webhook::{Event, Platform, Status, Verified};

const DELIVERIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries/elevenlabs");

/// A sample file and its content. `""` stands for an absent field.
struct Sample {
    file: &'static str,
    kind: &'static str,
    status: Option<Status>,
    entity_id: &'static str,
    callback_id: &'static str,
    /// The names of the links, in order.
    links: &'static str,
    /// Code and message.
    failure: (&'static str, &'static str),
    seconds: Option<u32>,
}

const NO: Sample = Sample {
    file: "",
    kind: "",
    status: None,
    entity_id: "",
    callback_id: "",
    links: "",
    failure: ("", ""),
    seconds: None,
};

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    Sample { file: "agent_qa", entity_id: "conv_1", ..NO },
    Sample { file: "call_initiation_failure", kind: "conversation", status: Some(Failed), entity_id: "conv_2", failure: ("busy", "Busy"), ..NO },
    Sample { file: "call_initiation_failure.twilio", kind: "conversation", status: Some(Failed), entity_id: "conv_5", failure: ("no-answer", ""), ..NO },
    Sample { file: "dubbing_language_completed", kind: "dubbing_language", status: Some(Succeeded), entity_id: "lang_1", callback_id: "order_85", links: "audio", ..NO },
    Sample { file: "dubbing_language_completed.no-reference", kind: "dubbing_language", status: Some(Succeeded), entity_id: "lang_2", callback_id: "dub_4", links: "audio", ..NO },
    Sample { file: "dubbing_language_failed", kind: "dubbing_language", status: Some(Failed), entity_id: "lang_3", callback_id: "order_86", failure: ("project_failed", "The project failed."), ..NO },
    Sample { file: "dubbing_project_failed", kind: "dubbing", status: Some(Failed), entity_id: "dub_2", callback_id: "order_86", failure: ("source_unreadable", "The source could not be read."), ..NO },
    Sample { file: "dubbing_project_failed.message-type", kind: "dubbing", status: Some(Failed), entity_id: "dub_3", callback_id: "order_87", failure: ("quota_exceeded", "The quota is used up."), ..NO },
    Sample { file: "dubbing_project_ready", kind: "dubbing", status: Some(Pending), entity_id: "dub_1", callback_id: "order_85", ..NO },
    Sample { file: "flows_generation", kind: "flows", status: Some(Succeeded), entity_id: "gen_1", links: "video", ..NO },
    Sample { file: "flows_generation.audio", kind: "flows", status: Some(Succeeded), entity_id: "gen_5", links: "audio", ..NO },
    Sample { file: "flows_generation.failed", kind: "flows", status: Some(Failed), entity_id: "gen_2", failure: ("moderated", "The prompt was refused."), ..NO },
    Sample { file: "flows_generation.image", kind: "flows", status: Some(Succeeded), entity_id: "gen_6", links: "image", ..NO },
    Sample { file: "flows_generation.no-mime-type", kind: "flows", status: Some(Succeeded), entity_id: "gen_7", links: "content", ..NO },
    Sample { file: "flows_template_run", kind: "flows_template_run", status: Some(Succeeded), entity_id: "run_2", links: "output.film output.poster", ..NO },
    Sample { file: "flows_template_run.failed", kind: "flows_template_run", status: Some(Failed), entity_id: "run_1", links: "output.film", ..NO },
    Sample { file: "post_call_audio", kind: "conversation", entity_id: "conv_1", ..NO },
    Sample { file: "post_call_transcription", kind: "conversation", status: Some(Succeeded), entity_id: "conv_1", callback_id: "order_79", seconds: Some(22), ..NO },
    Sample { file: "post_call_transcription.failed", kind: "conversation", status: Some(Failed), entity_id: "conv_4", failure: ("", "The agent could not be reached."), seconds: Some(22), ..NO },
    Sample { file: "post_call_transcription.user-id", kind: "conversation", status: Some(Succeeded), entity_id: "conv_3", callback_id: "order_90", seconds: Some(22), ..NO },
    Sample { file: "speech_to_text.completed", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_4", callback_id: "order_89", ..NO },
    Sample { file: "speech_to_text_transcription", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_1", callback_id: "order_78", ..NO },
    Sample { file: "speech_to_text_transcription.metadata-text", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_2", callback_id: "order_88", ..NO },
    Sample { file: "speech_to_text_transcription.no-metadata", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_3", ..NO },
    Sample { file: "voice_removal_notice", entity_id: "voice_1", ..NO },
    Sample { file: "voice_removal_notice_withdrawn", entity_id: "voice_1", ..NO },
    Sample { file: "voice_removed", entity_id: "voice_2", ..NO },
];

/// Samples of types whose name or shape is not published.
const UNKNOWN_ON_PURPOSE: &[&str] = &["agent_qa"];

/// Every file in the folder, by its name without `.json`.
fn deliveries() -> BTreeMap<String, Event> {
    let files = fs::read_dir(DELIVERIES).into_iter().flatten().flatten();
    files.filter_map(|file| delivery(&file.path())).collect()
}

fn delivery(path: &Path) -> Option<(String, Event)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let body = fs::read(path).ok()?;
    Some((name.to_owned(), elevenlabs::read(&Verified::assume_authentic(body))))
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
    assert!(without_file.is_empty(), "add events/deliveries/elevenlabs/<name>.json for each of {without_file:?}");
}

#[test]
fn every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose() {
    let types: BTreeSet<String> = deliveries().into_values().filter_map(|event| event.event_type).collect();
    let expected = elevenlabs::KNOWN.iter().chain(UNKNOWN_ON_PURPOSE).map(|name| (*name).to_owned()).collect();
    assert_eq!(types, expected);
}

#[test]
fn every_kind_has_a_sample() {
    let kinds: BTreeSet<&str> = SAMPLES.iter().map(|sample| sample.kind).filter(|kind| !kind.is_empty()).collect();
    assert_eq!(kinds, elevenlabs::KINDS.iter().copied().collect());
}

#[test]
fn every_sample_is_read_as_the_event_that_it_is() {
    let deliveries = deliveries();
    for sample in SAMPLES {
        let (file, event) = (sample.file, &deliveries[sample.file]);
        let event_type = event.event_type.as_deref().unwrap();
        let is_known = elevenlabs::KNOWN.contains(&event_type);
        assert!(file.starts_with(event_type), "{file}");
        assert_eq!(
            (event.platform, event.is_json, event.is_known_type),
            (Platform::ElevenLabs, true, is_known),
            "{file}"
        );
        let kind = (!sample.kind.is_empty()).then(|| format!("elevenlabs.{}", sample.kind));
        assert_eq!(event.kind, kind, "{file}");
        assert_eq!(event.status, sample.status, "{file}");
        assert_eq!(or_empty(event.entity_id.as_ref()), sample.entity_id, "{file}");
        assert_eq!(or_empty(event.callback_id.as_ref()), sample.callback_id, "{file}");
        let links: Vec<&str> = event.links.keys().map(String::as_str).collect();
        assert_eq!(links.join(" "), sample.links, "{file}");
        let failure = event.failure.as_ref();
        let code = or_empty(failure.and_then(|failure| failure.code.as_ref()));
        let message = or_empty(failure.and_then(|failure| failure.message.as_ref()));
        assert_eq!((code, message), sample.failure, "{file}");
        assert_eq!(event.duration_seconds, sample.seconds, "{file}");
        let recurs = ["conversation", "dubbing", "dubbing_language"].contains(&sample.kind);
        assert_eq!(event.occurred_at, recurs.then_some(1_760_000_000), "{file}");
        assert_eq!(event.created_at.as_deref(), Some("1760000000"), "{file}");
        assert!(!event.entity_is_reused, "{file}");

        let item_key = event.job().map(|job| job.item_key());
        let expected = kind.filter(|_| sample.status.is_some()).map(|kind| format!("job#{kind}#{}", sample.entity_id));
        assert_eq!(item_key, expected, "{file}");
    }
}

#[test]
fn the_readme_names_every_type_kind_and_link() {
    let readme = include_str!("../README.md");
    let links = SAMPLES.iter().flat_map(|sample| sample.links.split_whitespace());
    let links = links.filter(|link| !link.starts_with("output.")).map(str::to_owned).chain(["output.PORT".to_owned()]);
    let kinds = elevenlabs::KINDS.iter().map(|kind| format!("elevenlabs.{kind}"));
    let types = elevenlabs::KNOWN.iter().map(|event_type| (*event_type).to_owned());
    let missing: BTreeSet<_> =
        links.chain(kinds).chain(types).filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "crates/elevenlabs/README.md lacks {missing:?}");
}

#[test]
fn no_two_samples_are_the_same_event() {
    let deliveries = deliveries();
    let identities: BTreeSet<&str> = deliveries.values().map(|event| event.identity.as_str()).collect();
    assert_eq!(identities.len(), deliveries.len());
}

#[test]
fn a_failed_job_has_no_links_though_its_event_may() {
    let event = &deliveries()["flows_template_run.failed"];
    assert_eq!((event.links.len(), event.job().unwrap().links.len()), (1, 0));
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
