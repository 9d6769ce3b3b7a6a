//! Every sample delivery, and the event that is read from it.

use webhook::Platform;
use webhook::Status::{Failed, Succeeded};
use webhook_testing::samples;
use webhook_testing::signed::{Sample, Signing};

const SYNTHESIA: Signing = Signing {
    platform: Platform::Synthesia,
    read: synthesia::read,
    known: synthesia::KNOWN,
    kinds: synthesia::KINDS,
    samples: SAMPLES,
    // Samples of types that Synthesia does not document.
    unknown_on_purpose: &["video.archived"],
};

const VIDEO: Sample = Sample { kind: "video", ..Sample::NO };

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    Sample { file: "video.archived", kind: "", entity_id: "1f0c7a1e-0000-4000-8000-000000000008", callback_id: "order_84", occurred_at: Some(1_760_000_120), ..VIDEO },
    Sample { file: "video.completed", status: Some(Succeeded), entity_id: "1f0c7a1e-0000-4000-8000-000000000001", callback_id: "order_77", links: "captions_srt captions_vtt gif thumbnail video", seconds: Some(43), occurred_at: Some(1_760_000_300), ..VIDEO },
    Sample { file: "video.completed.in-progress", entity_id: "1f0c7a1e-0000-4000-8000-000000000006", callback_id: "order_82", occurred_at: Some(1_760_000_060), ..VIDEO },
    Sample { file: "video.completed.no-callback-id", status: Some(Succeeded), entity_id: "1f0c7a1e-0000-4000-8000-000000000003", links: "captions_srt captions_vtt thumbnail video", seconds: Some(3600), occurred_at: Some(1_760_000_300), ..VIDEO },
    Sample { file: "video.completed.no-links", status: Some(Succeeded), entity_id: "1f0c7a1e-0000-4000-8000-000000000004", callback_id: "order_80", occurred_at: Some(1_760_000_300), ..VIDEO },
    Sample { file: "video.completed.rejected", status: Some(Failed), entity_id: "1f0c7a1e-0000-4000-8000-000000000005", callback_id: "order_81", failure: ("rejected", "Moderation rejected the video."), occurred_at: Some(1_760_000_060), ..VIDEO },
    Sample { file: "video.failed", status: Some(Failed), entity_id: "1f0c7a1e-0000-4000-8000-000000000002", failure: ("", "The script was rejected."), occurred_at: Some(1_760_000_000), ..VIDEO },
    Sample { file: "video.failed.callback-id", status: Some(Failed), entity_id: "1f0c7a1e-0000-4000-8000-000000000007", callback_id: "order_83", failure: ("", "An avatar is no longer available."), occurred_at: Some(1_760_000_120), ..VIDEO },
];

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    SYNTHESIA.every_file_has_its_line_and_every_line_its_file();
}

#[test]
fn every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose() {
    SYNTHESIA.every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose();
}

#[test]
fn every_sample_is_read_as_the_event_that_it_is() {
    SYNTHESIA.every_sample_is_read_as_the_event_that_it_is();
}

#[test]
fn the_readme_names_every_type_kind_and_link() {
    SYNTHESIA.the_readme_names_every_type_kind_and_link(str::to_owned);
}

#[test]
fn no_two_samples_are_the_same_event() {
    samples::no_two_are_the_same_event(&SYNTHESIA.deliveries());
}

#[test]
fn every_link_in_a_sample_is_marked() {
    samples::every_link_is_marked(&SYNTHESIA.deliveries());
}
