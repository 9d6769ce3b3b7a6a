//! What became of jobs: the requests, what is read, and that it makes the event that HeyGen would have delivered.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use crate::server::{Reply, Server};
use crate::{v1, v3};
use heygen::api::EntityKind::{AiClipping, Lipsync, Proofread, Video, VideoAgent, VideoTranslation};
use heygen::api::{Entity, EntityKind, Kind, Progress};
use heygen::{EventType, Failure, Status, Verified};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

async fn server(data: Value) -> Server {
    Server::replying([Reply::json(200, json!({"data": data}))]).await
}

/// The entity that HeyGen describes with `data`.
async fn entity(kind: EntityKind, data: Value) -> Entity {
    let id = data["id"].as_str().or_else(|| data["session_id"].as_str()).unwrap().to_owned();
    v3(&server(data).await).entity(kind, &id).await.unwrap()
}

fn reason(failure: Option<Failure>) -> (Option<String>, Option<String>) {
    failure.map_or((None, None), |failure| (failure.code, failure.message))
}

#[tokio::test]
async fn a_video() {
    let server = server(json!({
        "id": "vid_1", "status": "completed", "title": "Hello", "created_at": 1_795_000_000, "completed_at": 1_795_000_100.5,
        "video_url": "https://files.example.invalid/v.mp4", "captioned_video_url": null, "gif_url": "",
        "thumbnail_url": "https://files.example.invalid/t.jpg", "duration": 12.5, "folder_id": "f_1",
        "failure_code": null, "failure_message": null,
    }))
    .await;
    let video = v3(&server).entity(Video, "vid_1").await.unwrap();
    assert_eq!(server.only().line, "GET /v3/videos/vid_1");
    assert_eq!((video.kind, video.id.as_str(), video.is_translation()), (Video, "vid_1", false));
    assert_eq!((video.progress, video.callback_id, video.failure), (Some(Progress::Completed), None, None));
    assert_eq!(video.created_at.unwrap().unix_timestamp(), 1_795_000_000);
    assert_eq!(video.completed_at.unwrap().unix_timestamp_nanos(), 1_795_000_100_500_000_000);
    assert_eq!(video.links.keys().collect::<Vec<_>>(), ["thumbnail", "video"]);
    assert_eq!(video.duration, Some(12.5));
}

#[tokio::test]
async fn a_failed_video_has_a_reason() {
    let video = json!({"id": "v", "status": "failed", "failure_code": "moderation", "failure_message": "no"});
    assert_eq!(reason(entity(Video, video).await.failure), (Some("moderation".into()), Some("no".into())));
}

#[tokio::test]
async fn a_translation() {
    let translation = json!({"id": "tr_1", "status": "running", "callback_id": "order_1", "output_language": "de"});
    let translation = entity(VideoTranslation, translation).await;
    assert_eq!(translation.progress, Some(Progress::Running));
    assert_eq!(translation.callback_id.as_deref(), Some("order_1"));
    assert_eq!((translation.output_language.as_deref(), translation.is_translation()), (Some("de"), false));
}

#[tokio::test]
async fn every_kind_is_requested_where_heygen_documents_it() {
    for (kind, path) in [
        (Video, "/v3/videos"),
        (VideoTranslation, "/v3/video-translations"),
        (Lipsync, "/v3/lipsyncs"),
        (AiClipping, "/v3/ai-clipping"),
        (VideoAgent, "/v3/video-agents"),
        (Proofread, "/v3/video-translations/proofreads"),
    ] {
        let server = server(json!({"id": "e/1?"})).await;
        v3(&server).entity(kind, "e/1?").await.unwrap();
        assert_eq!(server.only().line, format!("GET {path}/e%2F1%3F"));
        for id in ["", ".", "..", "a b", "a,b"] {
            assert_eq!(v3(&server).entity(kind, id).await.unwrap_err().kind, Kind::InvalidId, "{id:?}");
        }
        assert_eq!(server.seen().len(), 1);

        let list = Server::replying([Reply::json(200, json!({"data": [{"id": "a"}, {}], "has_more": false}))]).await;
        let api = v3(&list);
        assert_eq!(EntityKind::LISTED.contains(&kind), kind.is_listed());
        match api.entities(kind) {
            Ok(mut pages) => {
                assert_eq!(pages.next().await.unwrap().unwrap()[0].kind, kind);
                assert_eq!(pages.unreadable().len(), 1, "one without an id");
                assert_eq!(list.only().line, format!("GET {path}?limit=100"));
            }
            Err(error) => assert_eq!((error.kind, kind.is_listed()), (Kind::Unsupported, false)),
        }
    }
}

#[tokio::test]
async fn the_callback_id_of_a_video_is_asked_of_v1_whatever_the_version() {
    let reply = |data: Value| Reply::json(200, json!({"code": 100, "data": data, "message": null}));
    let gone = Reply::json(410, json!({"code": 410, "message": "gone"}));
    let replies = [reply(json!({"id": "v1", "callback_id": "order_1"})), reply(json!({"callback_id": ""})), gone];
    let server = Server::replying(replies).await;
    let api = v3(&server);
    assert_eq!(api.callback_id_of_video("v1").await.unwrap().as_deref(), Some("order_1"));
    assert_eq!(api.callback_id_of_video("v1").await.unwrap(), None);
    assert_eq!(api.callback_id_of_video("v1").await.unwrap_err().status, Some(410));
    assert_eq!(server.lines()[0], "GET /v1/video_status.get?video_id=v1");
}

#[tokio::test]
async fn a_callback_id_that_is_known_otherwise_becomes_part_of_the_event() {
    let video =
        entity(EntityKind::Video, json!({"id": "v1", "status": "completed", "video_url": "https://x.invalid/v"}));
    let video = video.await.with_callback_id("order_1".to_owned());
    let event = heygen::read(&video.to_verified("avatar_video").unwrap());
    assert_eq!((event.callback_id.as_deref(), video.callback_id.as_deref()), (Some("order_1"), Some("order_1")));
}

#[tokio::test]
async fn another_entity_than_the_one_asked_for_is_not_taken() {
    let server = server(json!({"id": "other", "status": "completed"})).await;
    assert_eq!(v3(&server).entity(Video, "v").await.unwrap_err().kind, Kind::Unexpected);
    assert_eq!(v1(&server).entity(Video, "v").await.unwrap_err().kind, Kind::Unexpected);
}

#[tokio::test]
async fn states_are_requested_in_chunks_of_100() {
    for (kind, target) in [
        (Video, "/v3/videos/statuses?video_ids"),
        (VideoTranslation, "/v3/video-translations/statuses?video_translation_ids"),
        (Lipsync, "/v3/lipsyncs/statuses?lipsync_ids"),
    ] {
        let server = Server::start(|request| {
            let ids = request.line.split_once("_ids=").unwrap().1.split("%2C");
            let states: Vec<_> = ids.map(|id| json!({"video_id": id, "status": "queued"})).collect();
            Reply::json(200, json!({"data": states, "has_more": false, "next_token": null}))
        })
        .await;
        let ids: Vec<_> = (0..201).map(|number| format!("v{number}")).collect();
        let states = v3(&server).entity_states(kind, &ids).await.unwrap();
        assert_eq!(states.iter().map(|state| &state.id).collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
        assert_eq!(server.seen().len(), 3);
        assert_eq!(server.lines()[2], format!("GET {target}=v200"));
        assert_eq!(v3(&server).entity_states::<&str>(kind, &[]).await.unwrap(), []);
        assert_eq!(server.seen().len(), 3, "nothing to ask");
    }
}

#[tokio::test]
async fn what_heygen_has_no_call_for_is_not_sent() {
    let server = server(json!([])).await;
    for kind in [AiClipping, VideoAgent, Proofread] {
        assert!(!kind.has_statuses());
        assert_eq!(v3(&server).entity_states(kind, &["v"]).await.unwrap_err().kind, Kind::Unsupported);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn every_status_is_kept() {
    use Progress::{
        Cancelled, Completed, Failed, Generating, NotFound, Other, Pending, Processing, Queued, Reviewing, Running,
        Thinking, Waiting, WaitingForInput,
    };
    let words = [
        ("waiting", Waiting),
        ("pending", Pending),
        ("queued", Queued),
        ("processing", Processing),
        ("running", Running),
        ("thinking", Thinking),
        ("waiting_for_input", WaitingForInput),
        ("reviewing", Reviewing),
        ("generating", Generating),
        ("completed", Completed),
        ("failed", Failed),
        ("cancelled", Cancelled),
        ("not_found", NotFound),
        ("new", Other("new".into())),
    ];
    let states = words.iter().map(|(word, _)| json!({"video_id": "v", "status": word, "error": "why"})).collect();
    let states = v3(&server(Value::Array(states)).await).entity_states(Video, &["v"]).await.unwrap();
    let progress: Vec<_> = states.iter().map(|state| state.progress.clone().unwrap()).collect();
    assert_eq!(progress, words.iter().map(|(_, progress)| progress.clone()).collect::<Vec<_>>());
    assert_eq!(states[0].failure.as_ref().unwrap().message.as_deref(), Some("why"));

    // Only three of the words are an end, in the event, too.
    for (word, progress) in words {
        let entity = entity(Video, json!({"id": "v", "status": word})).await;
        let is_end = matches!(progress, Completed | Failed | Cancelled);
        assert_eq!((progress.outcome().is_some(), entity.to_verified("avatar_video").is_some()), (is_end, is_end));
    }
    assert!(entity(Video, json!({"id": "v"})).await.to_verified("avatar_video").is_none());
}

#[test]
fn every_kind_of_job_that_can_be_asked_for_has_an_entity() {
    let kinds: BTreeSet<_> = EventType::KNOWN.iter().map(|name| EventType::new(*name).kind().to_owned()).collect();
    let unknown: Vec<_> = kinds.iter().filter(|kind| EntityKind::of_job(kind).is_none()).collect();
    let without_a_call = [
        "batch",
        "hyperframes_video",
        "instant_avatar",
        "live_avatar",
        "photo_avatar_add_motion",
        "photo_avatar_generation",
        "photo_avatar_train",
    ];
    assert_eq!(unknown, without_a_call);
    let names: BTreeSet<_> = EntityKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), EntityKind::ALL.len());
    for kind in EntityKind::ALL {
        assert_eq!(EntityKind::of_job(kind.job_kind()), Some(kind));
    }
}

/// A delivery, and what the list and the status call say of the same job. Of the links only the names are compared.
async fn same(delivery: Value, kind: EntityKind, said: Value) {
    let delivered = heygen::read(&Verified::assume_authentic(delivery.to_string().into_bytes()));
    let job_kind = delivered.kind.clone().unwrap();
    assert_eq!(EntityKind::of_job(&job_kind), Some(kind));
    let made = heygen::read(&entity(kind, said.clone()).await.to_verified(&job_kind).unwrap());

    assert_eq!(made.identity, delivered.identity, "{delivery} and {said}");
    assert_eq!((&made.event_type, &made.entity_id), (&delivered.event_type, &delivered.entity_id));
    assert_eq!(made.place().partition, delivered.place().partition);
    let (made_job, delivered_job) = (made.job().unwrap(), delivered.job().unwrap());
    assert_eq!((made_job.item_key(), made_job.status), (delivered_job.item_key(), delivered_job.status));
    assert_eq!((made_job.kind, made_job.event_type), (delivered_job.kind, delivered_job.event_type));
    let failure = delivered_job.failure.and_then(|failure| failure.message);
    assert_eq!(made_job.failure.and_then(|failure| failure.message), failure);
    assert_eq!(made_job.links.keys().collect::<Vec<_>>(), delivered_job.links.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_heygen_says_of_a_job_makes_the_event_that_it_would_have_delivered() {
    let url = |name: &str| format!("https://files.example.invalid/{name}?sig=1");
    let (video, gif, caption, page) = (url("v.mp4"), url("v.gif"), url("c.mp4"), url("page"));
    let whole = json!({"id": "v", "status": "completed", "video_url": video, "gif_url": gif,
                       "captioned_video_url": caption, "video_page_url": page, "render_id": "r", "avatar_id": "a"});
    let without = |names: &[&str]| {
        let mut video = whole.clone();
        names.iter().for_each(|name| video[*name] = Value::Null);
        video
    };
    let failed = json!({"id": "v", "status": "failed", "failure_code": "c", "failure_message": "m"});
    let success = |kind: &str, data: Value| json!({"event_type": format!("{kind}.success"), "event_data": data});
    let fail = |kind: &str, data: Value| json!({"event_type": format!("{kind}.fail"), "event_data": data});

    let data =
        json!({"video_id": "v", "url": video, "gif_download_url": gif, "video_page_url": page, "callback_id": "c"});
    same(success("avatar_video", data), Video, without(&["captioned_video_url"])).await;
    let data = json!({"video_id": "v", "url": gif, "gif_download_url": gif, "callback_id": "c"});
    same(success("avatar_video_gif", data), Video, without(&["captioned_video_url", "video_page_url"])).await;
    same(success("avatar_video", json!({"video_id": "v", "url": video})), Video, {
        let mut translated = without(&["captioned_video_url", "video_page_url", "gif_url"]);
        translated["output_language"] = json!("Spanish");
        translated
    })
    .await;
    for kind in ["avatar_video", "avatar_video_gif", "avatar_video_caption"] {
        same(fail(kind, json!({"video_id": "v", "msg": "m", "callback_id": "c"})), Video, failed.clone()).await;
    }
    let data = json!({"project_id": "p", "video_id": "v", "video_url": video, "gif_url": gif});
    let delivery = json!({"event_type": "personalized_video", "event_data": data});
    same(delivery, Video, without(&["captioned_video_url", "video_page_url"])).await;

    let data = json!({"video_translate_id": "t", "url": video, "output_language": "es", "callback_id": "c"});
    let said = json!({"id": "t", "video_id": "source", "status": "completed", "video_url": video, "audio_url": video,
                      "output_language": "es", "callback_id": "c"});
    same(success("video_translate", data), VideoTranslation, said).await;
    let data = json!({"video_translate_id": "t", "message": "m", "output_language": "es", "callback_id": "c"});
    let said = json!({"id": "t", "status": "failed", "failure_message": "m", "output_language": "es"});
    same(fail("video_translate", data), VideoTranslation, said).await;

    let said =
        json!({"id": "l", "video_id": "source", "status": "completed", "video_url": video, "caption_url": url("s")});
    same(success("lipsync", json!({"lipsync_id": "l", "url": video})), Lipsync, said).await;

    let clips = json!([{"id": "c1", "video_url": video}, {"id": "c2", "video_url": null}]);
    let said = json!({"id": "k", "status": "completed", "callback_id": "c", "clips": clips, "failure_message": null,
                      "project_id": "p"});
    same(success("ai_clipping", json!({"id": "k", "clips": clips, "callback_id": "c"})), AiClipping, said).await;
    let said = json!({"id": "k", "status": "cancelled", "callback_id": "c", "clips": []});
    same(fail("ai_clipping", json!({"id": "k", "failure_message": "The job was cancelled."})), AiClipping, said).await;

    let said = json!({"session_id": "s", "status": "failed", "video_id": "v", "error": {"message": "m"}});
    same(fail("video_agent", json!({"session_id": "s", "message": "m"})), VideoAgent, said).await;
    let said = json!({"session_id": "s", "status": "completed", "video_id": "v"});
    same(success("video_agent", json!({"session_id": "s"})), VideoAgent, said).await;
    let said = json!({"id": "p", "status": "completed", "video_translation_id": "t"});
    same(success("proofread_creation", json!({"proofread_id": "p"})), Proofread, said).await;
}

/// The sample deliveries, which other tests read as well.
#[tokio::test]
async fn every_sample_of_a_job_that_can_be_asked_for_has_the_identity_of_what_heygen_says() {
    let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/deliveries"));
    let mut compared = BTreeSet::new();
    for sample in samples.read_dir().unwrap().map(|sample| sample.unwrap().path()).filter(|path| path.is_file()) {
        let body = std::fs::read(sample).unwrap();
        let event = heygen::read(&Verified::assume_authentic(body.clone()));
        let Some(job) = event.job().filter(|_| event.event_id.is_none()) else { continue };
        let Some(kind) = EntityKind::of_job(&job.kind).filter(|_| !job.event_type.contains("preflight")) else {
            continue;
        };
        let mut said = serde_json::from_slice::<Value>(&body).unwrap()["event_data"].take();
        let link = said["url"].take();
        for id in ["video_id", "video_translate_id", "video_translation_id", "proofread_id"] {
            said.as_object_mut().unwrap().remove(id);
        }
        said["id"] = json!(job.entity_id);
        said["status"] = json!(if job.status == Status::Succeeded { "completed" } else { "failed" });
        said["gif_url"] = link.clone();
        said["captioned_video_url"] = link;
        let made = heygen::read(&entity(kind, said).await.to_verified(&job.kind).unwrap());
        assert_eq!(made.identity, event.identity, "{}", job.event_type);
        assert_eq!(made.place(), event.place(), "{}", job.event_type);
        assert_eq!(made.job().unwrap().item_key(), job.item_key());
        compared.insert(job.event_type);
    }
    assert_eq!(compared.len(), 15, "{compared:?}");
}

#[tokio::test]
async fn a_gif_and_captions_succeeded_only_if_they_are_there() {
    let data =
        |gif: Value| json!({"id": "v", "status": "completed", "video_url": "https://x.invalid/v", "gif_url": gif});
    for none in [Value::Null, json!(""), json!({})] {
        let video = entity(Video, data(none)).await;
        assert!(video.to_verified("avatar_video").is_some());
        assert!(video.to_verified("avatar_video_gif").is_none());
        assert!(video.to_verified("avatar_video_caption").is_none());
    }
    let with_gif = entity(Video, data(json!("https://x.invalid/g"))).await;
    let event = heygen::read(&with_gif.to_verified("avatar_video_gif").unwrap());
    assert_eq!(event.links.into_iter().collect::<Vec<_>>(), [("gif".to_owned(), "https://x.invalid/g".to_owned())]);

    let captioned = json!({"id": "v", "status": "completed", "video_url": "https://x.invalid/v",
                           "captioned_video_url": "https://x.invalid/c"});
    let event = heygen::read(&entity(Video, captioned).await.to_verified("avatar_video_caption").unwrap());
    assert_eq!(event.links["video"], "https://x.invalid/c");
}

#[tokio::test]
async fn a_cancelled_job_failed_for_that_reason() {
    let cancelled = |message: Value| {
        let clipping = json!({"id": "k", "status": "cancelled", "clips": [], "failure_message": message});
        async { heygen::read(&entity(AiClipping, clipping).await.to_verified("ai_clipping").unwrap()).job().unwrap() }
    };
    let job = cancelled(Value::Null).await;
    assert_eq!((job.status, job.event_type.as_str()), (Status::Failed, "ai_clipping.fail"));
    assert_eq!(reason(job.failure), (Some("cancelled".into()), Some("The job was cancelled.".into())));
    assert_eq!(reason(cancelled(json!("why")).await.failure), (None, Some("why".into())));
}

#[tokio::test]
async fn nothing_that_heygen_said_is_lost_in_the_event() {
    let said = json!({"id": "s", "session_id": "s", "status": "completed", "video_id": "v", "title": "t", "new": [1]});
    let body = entity(VideoAgent, said).await.to_verified("video_agent").unwrap();
    let body: Value = serde_json::from_slice(body.body()).unwrap();
    let data = &body["event_data"];
    assert_eq!((&data["title"], &data["new"], &data["other"]["video_id"]), (&json!("t"), &json!([1]), &json!("v")));
}

#[tokio::test]
async fn a_session_ends_as_its_video_and_with_its_links() {
    let session = json!({"session_id": "s", "status": "completed", "video_id": "v"});
    let session = || async { entity(VideoAgent, session.clone()).await };
    assert_eq!(session().await.video_id().as_deref(), Some("v"));
    assert_eq!(entity(Video, json!({"id": "v", "video_id": "v"})).await.video_id(), None);

    let video = json!({"id": "v", "status": "completed", "video_url": "https://x.invalid/v", "duration": 12.5,
                       "gif_url": null, "title": "t"});
    let ended = session().await.with_video(&entity(Video, video).await);
    let event = heygen::read(&ended.to_verified("video_agent").unwrap());
    assert_eq!((event.entity_id.as_deref(), event.duration_seconds), (Some("s"), Some(13)));
    assert_eq!(event.links.into_iter().collect::<Vec<_>>(), [("video".to_owned(), "https://x.invalid/v".to_owned())]);

    let failed = json!({"id": "v", "status": "failed", "failure_message": "m"});
    let event = session().await.with_video(&entity(Video, failed).await).to_verified("video_agent").unwrap();
    let job = heygen::read(&event).job().unwrap();
    assert_eq!((job.status, reason(job.failure)), (Status::Failed, (None, Some("m".into()))));
    let running = session().await.with_video(&entity(Video, json!({"id": "v", "status": "processing"})).await);
    assert!(running.to_verified("video_agent").is_none());
}

#[tokio::test]
async fn a_translation_is_reported_in_the_language_that_its_job_has() {
    let said =
        json!({"id": "t", "status": "completed", "video_url": "https://x.invalid/t", "output_language": "Spanish"});
    for language in [None, Some("es"), Some("Spanish")] {
        let translation = entity(VideoTranslation, said.clone()).await.in_language(language);
        assert_eq!(translation.output_language.as_deref(), language);
        let event = heygen::read(&translation.to_verified("video_translate").unwrap());
        assert_eq!(event.output_language.as_deref(), language);
    }
    let video = json!({"id": "v", "status": "completed", "video_url": "https://x.invalid/v"});
    let event = heygen::read(&entity(Video, video).await.in_language(Some("es")).to_verified("avatar_video").unwrap());
    assert_eq!(event.output_language, None);
}
