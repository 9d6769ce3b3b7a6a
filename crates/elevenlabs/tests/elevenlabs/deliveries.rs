//! Every sample delivery, and the event that is read from it.

use std::collections::BTreeSet;

use webhook::Platform;
use webhook::Status::{Failed, Pending, Succeeded};
use webhook_testing::samples;
use webhook_testing::signed::{Sample, Signing};

const ELEVENLABS: Signing = Signing {
    platform: Platform::ElevenLabs,
    read: elevenlabs::read,
    known: elevenlabs::KNOWN,
    kinds: elevenlabs::KINDS,
    samples: SAMPLES,
    // Samples of types whose name or shape is not published.
    unknown_on_purpose: &["agent_qa"],
};

const NO: Sample = Sample::NO;

/// The time is part of an event that recurs.
const AT: Sample = Sample { occurred_at: Some(1_760_000_000), ..NO };

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    Sample { file: "agent_qa", entity_id: "conv_1", ..NO },
    Sample { file: "call_initiation_failure", kind: "conversation", status: Some(Failed), entity_id: "conv_2", failure: ("busy", "Busy"), ..AT },
    Sample { file: "call_initiation_failure.twilio", kind: "conversation", status: Some(Failed), entity_id: "conv_5", failure: ("no-answer", ""), ..AT },
    Sample { file: "dubbing_language_completed", kind: "dubbing_language", status: Some(Succeeded), entity_id: "lang_1", callback_id: "order_85", links: "audio", ..AT },
    Sample { file: "dubbing_language_completed.no-reference", kind: "dubbing_language", status: Some(Succeeded), entity_id: "lang_2", callback_id: "dub_4", links: "audio", ..AT },
    Sample { file: "dubbing_language_failed", kind: "dubbing_language", status: Some(Failed), entity_id: "lang_3", callback_id: "order_86", failure: ("project_failed", "The project failed."), ..AT },
    Sample { file: "dubbing_project_failed", kind: "dubbing", status: Some(Failed), entity_id: "dub_2", callback_id: "order_86", failure: ("source_unreadable", "The source could not be read."), ..AT },
    Sample { file: "dubbing_project_failed.message-type", kind: "dubbing", status: Some(Failed), entity_id: "dub_3", callback_id: "order_87", failure: ("quota_exceeded", "The quota is used up."), ..AT },
    Sample { file: "dubbing_project_ready", kind: "dubbing", status: Some(Pending), entity_id: "dub_1", callback_id: "order_85", ..AT },
    Sample { file: "flows_generation", kind: "flows", status: Some(Succeeded), entity_id: "gen_1", links: "video", ..NO },
    Sample { file: "flows_generation.audio", kind: "flows", status: Some(Succeeded), entity_id: "gen_5", links: "audio", ..NO },
    Sample { file: "flows_generation.failed", kind: "flows", status: Some(Failed), entity_id: "gen_2", failure: ("moderated", "The prompt was refused."), ..NO },
    Sample { file: "flows_generation.image", kind: "flows", status: Some(Succeeded), entity_id: "gen_6", links: "image", ..NO },
    Sample { file: "flows_generation.no-mime-type", kind: "flows", status: Some(Succeeded), entity_id: "gen_7", links: "content", ..NO },
    Sample { file: "flows_template_run", kind: "flows_template_run", status: Some(Succeeded), entity_id: "run_2", links: "output.film output.poster", ..NO },
    Sample { file: "flows_template_run.failed", kind: "flows_template_run", status: Some(Failed), entity_id: "run_1", links: "output.film", ..NO },
    Sample { file: "post_call_audio", kind: "conversation", entity_id: "conv_1", ..AT },
    Sample { file: "post_call_transcription", kind: "conversation", status: Some(Succeeded), entity_id: "conv_1", callback_id: "order_79", seconds: Some(22), ..AT },
    Sample { file: "post_call_transcription.failed", kind: "conversation", status: Some(Failed), entity_id: "conv_4", failure: ("", "The agent could not be reached."), seconds: Some(22), ..AT },
    Sample { file: "post_call_transcription.user-id", kind: "conversation", status: Some(Succeeded), entity_id: "conv_3", callback_id: "order_90", seconds: Some(22), ..AT },
    Sample { file: "speech_to_text.completed", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_4", callback_id: "order_89", ..NO },
    Sample { file: "speech_to_text_transcription", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_1", callback_id: "order_78", ..NO },
    Sample { file: "speech_to_text_transcription.metadata-text", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_2", callback_id: "order_88", ..NO },
    Sample { file: "speech_to_text_transcription.no-metadata", kind: "speech_to_text", status: Some(Succeeded), entity_id: "req_3", ..NO },
    Sample { file: "voice_removal_notice", entity_id: "voice_1", ..NO },
    Sample { file: "voice_removal_notice_withdrawn", entity_id: "voice_1", ..NO },
    Sample { file: "voice_removed", entity_id: "voice_2", ..NO },
];

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    ELEVENLABS.every_file_has_its_line_and_every_line_its_file();
}

#[test]
fn every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose() {
    ELEVENLABS.every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose();
}

#[test]
fn every_kind_has_a_sample() {
    let kinds: BTreeSet<&str> = SAMPLES.iter().map(|sample| sample.kind).filter(|kind| !kind.is_empty()).collect();
    assert_eq!(kinds, elevenlabs::KINDS.iter().copied().collect());
}

#[test]
fn every_sample_is_read_as_the_event_that_it_is() {
    ELEVENLABS.every_sample_is_read_as_the_event_that_it_is();
    for (file, event) in ELEVENLABS.deliveries() {
        assert_eq!(event.created_at.as_deref(), Some("1760000000"), "{file}");
    }
}

#[test]
fn the_readme_names_every_type_kind_and_link() {
    let or_any_port = |link: &str| if link.starts_with("output.") { "output.PORT" } else { link }.to_owned();
    ELEVENLABS.the_readme_names_every_type_kind_and_link(or_any_port);
}

#[test]
fn no_two_samples_are_the_same_event() {
    samples::no_two_are_the_same_event(&ELEVENLABS.deliveries());
}

#[test]
fn a_failed_job_has_no_links_though_its_event_may() {
    let event = &ELEVENLABS.deliveries()["flows_template_run.failed"];
    assert_eq!((event.links.len(), event.job().unwrap().links.len()), (1, 0));
}

#[test]
fn every_link_in_a_sample_is_marked() {
    samples::every_link_is_marked(&ELEVENLABS.deliveries());
}
