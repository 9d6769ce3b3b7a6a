//! Every sample delivery, and the event that is read from it.

use std::collections::{BTreeMap, BTreeSet};

use heygen::{Event, EventType, Job, Outcome, Status};
use webhook_testing::authentic;
use webhook_testing::samples::{self, failure, links};

/// A sample file and its content. `""` stands for an absent field.
struct Sample {
    file: &'static str,
    kind: &'static str,
    outcome: Outcome,
    entity_id: &'static str,
    callback_id: &'static str,
    /// The names of the links, in order.
    links: &'static str,
    /// Code and message.
    failure: (&'static str, &'static str),
}

const fn succeeded(
    file: &'static str,
    kind: &'static str,
    entity_id: &'static str,
    callback_id: &'static str,
    links: &'static str,
) -> Sample {
    let (outcome, failure) = (Outcome::Succeeded, ("", ""));
    Sample { file, kind, outcome, entity_id, callback_id, links, failure }
}

const fn failed(
    file: &'static str,
    kind: &'static str,
    entity_id: &'static str,
    callback_id: &'static str,
    failure: (&'static str, &'static str),
) -> Sample {
    let (outcome, links) = (Outcome::Failed, "");
    Sample { file, kind, outcome, entity_id, callback_id, links, failure }
}

#[rustfmt::skip]
const SAMPLES: &[Sample] = &[
    succeeded("ai_clipping.success", "ai_clipping", "clipping_1", "order_12360", CLIPS),
    failed("ai_clipping.fail", "ai_clipping", "clipping_2", "order_12361", ("", "The source video has no speech.")),
    succeeded("avatar_video.success", "avatar_video", "vid_12345", "order_12345", "gif share_page video"),
    succeeded("avatar_video.success.event-id", "avatar_video", "vid_12351", "order_12351", "video"),
    succeeded("avatar_video.success.null-callback-id", "avatar_video", "vid_no_callback", "", "video"),
    succeeded("avatar_video.success.v1-live", "avatar_video", "vid_12348", "order_12348", "video"),
    succeeded("avatar_video.success.v3", "avatar_video", "vid_12347", "order_12347", "gif page share_page video"),
    succeeded("avatar_video.success.video-url", "avatar_video", "vid_12349", "order_12349", "thumbnail video"),
    succeeded("avatar_video.success.workspace-ui", "avatar_video", "vid_ui_1", "", "gif page share_page video"),
    failed("avatar_video.fail", "avatar_video", "vid_12346", "order_12346", ("", "The voice of this avatar is no longer available.")),
    failed("avatar_video.fail.error-message", "avatar_video", "vid_12354", "order_12354", ("moderation_rejected", "The script was rejected by moderation.")),
    failed("avatar_video.fail.error-object", "avatar_video", "vid_12353", "order_12353", ("40119", "Insufficient credit.")),
    failed("avatar_video.fail.error-text", "avatar_video", "vid_12352", "order_12352", ("", "Script contains no spoken text.")),
    failed("avatar_video.fail.late-retry", "avatar_video", "vid_12347", "order_12347", ("rendering_timeout", "Rendering took too long.")),
    succeeded("avatar_video_caption.success", "avatar_video_caption", "vid_12345", "order_12345", "share_page video"),
    failed("avatar_video_caption.fail", "avatar_video_caption", "vid_12346", "order_12346", ("", "There is no video to caption.")),
    succeeded("avatar_video_gif.success", "avatar_video_gif", "vid_12345", "order_12345", "gif share_page"),
    failed("avatar_video_gif.fail", "avatar_video_gif", "vid_12346", "order_12346", ("", "There is no video to make a gif of.")),
    succeeded("batch.finished", "batch", "batch_1", "", ""),
    succeeded("hologram_video.success", "hologram_video", "9007199254740993", "order_12381", "video"),
    succeeded("hyperframes_video.success", "hyperframes_video", "render_1", "order_12362", "video"),
    succeeded("hyperframes_video.success.url", "hyperframes_video", "render_2", "order_12363", "video"),
    failed("hyperframes_video.fail", "hyperframes_video", "render_3", "order_12364", ("", "Composition could not be rendered.")),
    failed("hyperframes_video.fail.error-text", "hyperframes_video", "render_4", "order_12365", ("", "Asset not found.")),
    succeeded("instant_avatar.success", "instant_avatar", "avatar_1", "order_12366", ""),
    failed("instant_avatar.fail", "instant_avatar", "avatar_2", "order_12367", ("", "The consent video does not match.")),
    succeeded("live_avatar.success", "live_avatar", "session_1", "order_12376", ""),
    failed("live_avatar.fail", "live_avatar", "session_2", "order_12377", ("", "The session could not be started.")),
    succeeded("personalized_video", "personalized_video", "vid_pers_1", "", "gif landing_page video"),
    succeeded("photo_avatar_add_motion.success", "photo_avatar_add_motion", "photo_3", "order_12372", ""),
    failed("photo_avatar_add_motion.fail", "photo_avatar_add_motion", "photo_4", "order_12373", ("", "No face in the photo.")),
    succeeded("photo_avatar_generation.success", "photo_avatar_generation", "photo_1", "order_12368", ""),
    failed("photo_avatar_generation.fail", "photo_avatar_generation", "photo_2", "order_12369", ("", "The prompt was rejected.")),
    succeeded("photo_avatar_train.success", "photo_avatar_train", "group_1", "order_12370", ""),
    failed("photo_avatar_train.fail", "photo_avatar_train", "group_2", "order_12371", ("", "Too few photos.")),
    succeeded("proofread_creation.success", "proofread_creation", "proof_1", "order_12374", ""),
    failed("proofread_creation.fail", "proofread_creation", "proof_2", "order_12375", ("", "The transcript is empty.")),
    succeeded("video_agent.success", "video_agent", "session_3", "order_12378", "video"),
    failed("video_agent.fail", "video_agent", "session_4", "order_12379", ("", "The agent could not plan a video.")),
    Sample { file: "video_agent.storyboard_ready", kind: "video_agent.storyboard_ready", outcome: Outcome::Unknown, entity_id: "session_5", callback_id: "order_12380", links: "", failure: ("", "") },
    succeeded("video_translate.success", "video_translate", "tr_12350_es", "order_12350", "video"),
    succeeded("video_translate.success.french", "video_translate", "tr_12350_fr", "order_12350", "video"),
    succeeded("video_translate.success.v3", "video_translate", "tr_12355", "order_12355", "video"),
    failed("video_translate.fail", "video_translate", "tr_12356", "order_12356", ("", "The source video has no speech.")),
    failed("video_translate.preflight.download_failed", "video_translate", "tr_12358", "order_12358", ("", "The source video could not be downloaded.")),
    failed("video_translate.preflight.validation_failed", "video_translate", "tr_12357", "order_12357", ("", "The source video is longer than the plan allows.")),
];

/// Of 24 clips the last failed.
const CLIPS: &str = "clip.clip_01 clip.clip_02 clip.clip_03 clip.clip_04 clip.clip_05 clip.clip_06 \
    clip.clip_07 clip.clip_08 clip.clip_09 clip.clip_10 clip.clip_11 clip.clip_12 clip.clip_13 \
    clip.clip_14 clip.clip_15 clip.clip_16 clip.clip_17 clip.clip_18 clip.clip_19 clip.clip_20 \
    clip.clip_21 clip.clip_22 clip.clip_23";

/// Samples of types that are not in `EventType::KNOWN`: for a type that HeyGen does not have.
const UNKNOWN_ON_PURPOSE: &[&str] = &["hologram_video.success", "video_agent.storyboard_ready"];

fn deliveries() -> BTreeMap<String, Event> {
    let read = |(file, body): (String, String)| (file, heygen::read(&authentic(body)));
    samples::read("deliveries").into_iter().map(read).collect()
}

fn or_empty(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

#[test]
fn every_file_has_its_line_and_every_line_its_file() {
    let lines = SAMPLES.iter().map(|sample| sample.file);
    samples::every_file_has_its_line_and_every_line_its_file("deliveries", lines);
}

#[test]
fn every_known_type_has_a_sample() {
    let deliveries = deliveries();
    let has_sample = |known: &str| {
        let event_type = deliveries.get(known).and_then(|event| event.event_type.as_ref());
        event_type.is_some_and(|event_type| event_type.as_str() == known)
    };
    let without: Vec<_> = EventType::KNOWN.iter().filter(|known| !has_sample(known)).collect();
    assert!(without.is_empty(), "add events/deliveries/<type>.json with that event_type, for each of {without:?}");
}

#[test]
fn every_sample_is_of_a_known_type_unless_it_is_unknown_on_purpose() {
    let types: BTreeSet<EventType> =
        deliveries().into_values().filter_map(|event| event.event_type).map(EventType::new).collect();
    let unknown: Vec<_> = types.iter().filter(|known| !known.is_known()).map(EventType::as_str).collect();
    assert_eq!(
        unknown, UNKNOWN_ON_PURPOSE,
        "the samples on the left are of types that are not in EventType::KNOWN: add each type there \
         (crates/heygen/src/event_type.rs), or here to UNKNOWN_ON_PURPOSE if HeyGen does not have it"
    );
}

#[test]
fn every_sample_is_read_as_the_event_that_it_is() {
    let deliveries = deliveries();
    for sample in SAMPLES {
        let (file, event) = (sample.file, &deliveries[sample.file]);
        let event_type = EventType::new(event.event_type.clone().unwrap());
        assert!(file.starts_with(event_type.as_str()), "{file}");
        assert_eq!((event_type.kind(), event_type.outcome()), (sample.kind, sample.outcome), "{file}");
        assert_eq!(or_empty(event.entity_id.as_ref()), sample.entity_id, "{file}");
        assert_eq!(or_empty(event.callback_id.as_ref()), sample.callback_id, "{file}");

        assert_eq!((&*links(event), failure(event)), (sample.links, sample.failure), "{file}");

        let correlation_id = event.correlation_id();
        let expected = if sample.callback_id.is_empty() { sample.entity_id } else { sample.callback_id };
        assert_eq!(correlation_id.as_str(), expected, "{file}");

        let item_key = event.job().map(|job| job.item_key());
        let language = event.output_language.iter().map(|language| format!("#language={language}"));
        let order = event.callback_id.iter().filter(|_| event.entity_is_reused).map(|id| format!("#callback_id={id}"));
        let told_apart: String = language.chain(order).collect();
        let expected = format!("job#{}#{}{told_apart}", sample.kind, sample.entity_id);
        assert_eq!(item_key, (sample.outcome != Outcome::Unknown).then_some(expected), "{file}");
    }
}

#[test]
fn no_two_samples_are_the_same_event() {
    samples::no_two_are_the_same_event(&deliveries());
}

#[test]
fn one_callback_id_may_start_several_jobs() {
    let deliveries = deliveries();
    let jobs = |callback_id: &str| -> Vec<String> {
        let of_it = deliveries.values().filter(|event| event.correlation_id().as_str() == callback_id);
        of_it.filter_map(Event::job).map(|job| job.item_key()).collect()
    };
    assert_eq!(
        jobs("order_12345"),
        ["job#avatar_video#vid_12345", "job#avatar_video_caption#vid_12345", "job#avatar_video_gif#vid_12345"]
    );
    assert_eq!(
        jobs("order_12350"),
        ["job#video_translate#tr_12350_es#language=Spanish", "job#video_translate#tr_12350_fr#language=French"]
    );
    assert_eq!(jobs("order_12370"), ["job#photo_avatar_train#group_1#callback_id=order_12370"]);
}

#[test]
fn languages_and_event_ids_are_read() {
    let deliveries = deliveries();
    let language = |file: &str| or_empty(deliveries[file].output_language.as_ref()).to_owned();
    assert_eq!(language("video_translate.success"), "Spanish");
    assert_eq!(language("video_translate.success.french"), "French");
    assert_eq!(language("avatar_video.success"), "");

    let event = &deliveries["avatar_video.success.event-id"];
    assert_eq!(or_empty(event.event_id.as_ref()), "evt_01J7ZK3V9Q");
    assert_eq!(or_empty(event.created_at.as_ref()), "2026-09-14T10:15:00Z");
}

#[test]
fn a_failed_job_that_succeeded_after_all_has_succeeded() {
    let deliveries = deliveries();
    let job = |file: &str| deliveries[file].job().unwrap();
    let failed = job("avatar_video.fail.late-retry");
    let succeeded = job("avatar_video.success.v3");
    assert_eq!(failed.item_key(), succeeded.item_key());

    let in_order = Job::merge(Some(failed.clone()), succeeded.clone());
    let out_of_order = Job::merge(Some(succeeded), failed);
    assert_eq!(in_order, out_of_order);
    assert_eq!((in_order.status, in_order.failure), (Status::Succeeded, None));
}

#[test]
fn every_link_in_a_sample_is_marked() {
    samples::every_link_is_marked(&deliveries());
}
