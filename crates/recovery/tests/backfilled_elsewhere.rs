//! What no webhook of another platform than HeyGen reported is brought back from its lists.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::elsewhere::{CALLBACK_SECRET, Elsewhere, LISTS};
use common::world::{HOUR, hours_ago};
use serde_json::{Value, json};
use simulator::{Disturbance, JobKind, JobOutcome, Options, Simulator, StartJob};
use time::OffsetDateTime;
use webhook::callback::Callback;
use webhook::{Platform, Secret};

const VIDEOS: &str = "/synthesia/v2/videos";
const FLOWS: &str = "/elevenlabs/v1/flows/video";
const TALKS: &str = "/did/talks";
const LINK: &str = "https://files.example.invalid/v1.mp4?Expires=4102444800&Signature=canary-link";

/// Whose lists were read before, when they were empty.
fn world() -> Elsewhere {
    read_before(Elsewhere::new())
}

fn read_before(world: Elsewhere) -> Elsewhere {
    world.backfill();
    world.apis.calls();
    world
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

fn callback_url(kind: &str, order: &str, secret: &str) -> String {
    let text = |text: &str| text.to_owned();
    let callback =
        Callback { platform: Platform::Did, endpoint: text("main"), kind: text(kind), correlation: text(order) };
    format!("https://api.example.invalid{}", callback.path(&Secret::new(secret).unwrap()))
}

fn video(id: &str, order: Option<&str>, created: i64) -> Value {
    json!({"id": id, "callbackId": order, "status": "complete", "download": LINK, "createdAt": created, "lastUpdatedAt": created})
}

fn generation(id: &str) -> Value {
    json!({"id": id, "status": "completed", "content_url": LINK, "content_mime_type": "video/mp4"})
}

fn talk(id: &str, webhook: Option<&str>) -> Value {
    let created = aws::clock::to_text(OffsetDateTime::now_utc());
    json!({"id": id, "webhook": webhook, "status": "done", "result_url": LINK, "created_at": created})
}

/// The ids of what was sent since the last call, with their orders.
fn sent(world: &Elsewhere) -> Vec<(String, Option<String>)> {
    let mut sent: Vec<_> =
        world.sent().into_iter().map(|(event, _)| (event.entity_id.unwrap(), event.callback_id)).collect();
    sent.sort();
    sent
}

fn ids(sent: &[(String, Option<String>)]) -> Vec<&str> {
    sent.iter().map(|(id, _)| id.as_str()).collect()
}

fn source<'a>(reply: &'a Value, list: &str) -> &'a Value {
    reply["sources"].as_array().unwrap().iter().find(|source| source["list"] == list).unwrap()
}

#[test]
fn what_no_webhook_reported_is_brought_back_once_and_what_is_anothers_is_left() {
    let world = world();
    let (ours, foreign) = (callback_url("talk", "order_3", CALLBACK_SECRET), callback_url("talk", "order_3", "other"));
    let running = json!({"id": "s2", "callbackId": "order", "status": "in_progress", "createdAt": now()});
    let failed = json!({"id": "s3", "callbackId": "order_4", "status": "rejected", "createdAt": now()});
    world.lists(VIDEOS, &[video("colleagues", None, now()), running, failed, video("s1", Some("order_1"), now())]);
    world.lists(FLOWS, &[generation("g1"), json!({"id": "g2", "status": "generating"})]);
    let stranger = json!({"id": "t4", "status": "done", "user_data": "order_3"});
    world.lists(TALKS, &[talk("t1", Some(&ours)), talk("t2", None), talk("t3", Some(&foreign)), stranger]);

    let reply = world.backfill();
    for (list, listed, missed) in
        [("synthesia.video", 4, 2), ("elevenlabs.video", 2, 1), ("did.talk", 4, 1), ("did.clip", 0, 0)]
    {
        let source = source(&reply, list);
        assert_eq!((&source["listed"], &source["missed"]), (&json!(listed), &json!(missed)), "{source}");
    }
    let recorded = world.record();
    let mut read: Vec<_> = recorded
        .iter()
        .map(|(event, via)| {
            (
                event.kind.as_deref().unwrap(),
                event.entity_id.as_deref().unwrap(),
                event.callback_id.as_deref(),
                via.as_str(),
            )
        })
        .collect();
    read.sort_unstable();
    assert_eq!(
        read,
        [
            ("did.talk", "t1", Some("order_3"), "list"),
            ("elevenlabs.flows", "g1", None, "list"),
            ("synthesia.video", "s1", Some("order_1"), "list"),
            ("synthesia.video", "s3", Some("order_4"), "list"),
        ]
    );
    assert_eq!(world.job("s3")["status"], "failed");
    let reply = world.backfill();
    assert!(world.sent().is_empty() && reply["text"].as_str().unwrap().ends_with("Nothing was missed."), "{reply}");
}

#[test]
fn what_had_ended_before_the_first_run_is_brought_back_only_if_it_is_asked_for() {
    let world = Elsewhere::new();
    let url = callback_url("talk", "order", CALLBACK_SECRET);
    let old = |id: &str| {
        let mut talk = talk(id, Some(&url));
        talk["created_at"] = json!(hours_ago(1));
        talk
    };
    world.lists(VIDEOS, &[video("s1", Some("order"), now() - 3_600)]);
    world.lists(FLOWS, &[generation("g1")]);
    world.lists(TALKS, &[old("t1")]);
    for _ in 0..2 {
        world.backfill();
        assert_eq!(sent(&world), []);
    }
    world.lists(FLOWS, &[generation("g2"), generation("g1")]);
    world.backfill();
    assert_eq!(ids(&sent(&world)), ["g2"], "a generation says no time, so those before are known by their ids");
    world.ask(json!({"action": "backfill", "since": hours_ago(3)})).unwrap();
    assert_eq!(ids(&sent(&world)), ["g1", "g2", "s1", "t1"]);
}

#[test]
fn an_end_that_is_recorded_is_not_missing_and_one_of_a_tracked_job_keeps_its_order() {
    let world = world();
    world.track("order_1", "elevenlabs.flows", Some("g1"));
    world.lists(FLOWS, &[generation("g1")]);
    world.backfill();
    let recorded = world.record();
    assert_eq!((recorded.len(), recorded[0].0.callback_id.as_deref()), (1, Some("order_1")));
    world.lists(FLOWS, &[json!({"id": "g1", "status": "failed"})]);
    world.backfill();
    assert_eq!(sent(&world), [], "no state goes back");
}

#[test]
fn a_list_is_read_page_by_page_and_a_rate_limit_ends_its_turn_and_no_others() {
    let world = world();
    let page = |id: &str, next: Option<&str>| json!({"generations": [generation(id)], "next_cursor": next}).to_string();
    world.apis.answers(FLOWS, 200, &page("g1", Some("c&1")));
    let second = format!("{FLOWS}?page_size=100&cursor=c%261");
    world.apis.answers(&second, 429, "{}");
    world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
    let reply = world.backfill();
    let limited = source(&reply, "elevenlabs.video");
    assert_eq!(
        (&limited["stopped"], &limited["missed"], &reply["more"]),
        (&json!("rate_limited"), &json!(1), &json!(false))
    );
    assert!(reply["text"].as_str().unwrap().contains("1 read, 1 missed; its rate limit is exceeded"), "{reply}");
    let sent_ids: Vec<_> = world.record().into_iter().map(|(event, _)| event.entity_id.unwrap()).collect();
    assert!(sent_ids.contains(&"g1".to_owned()) && sent_ids.contains(&"s1".to_owned()), "{sent_ids:?}");

    world.apis.calls();
    world.apis.answers(&second, 200, &page("g2", None));
    assert_eq!(source(&world.backfill(), "elevenlabs.video")["is_complete"], true);
    assert_eq!(ids(&sent(&world)), ["g2"]);
    let read: Vec<_> = world.apis.calls().into_iter().filter(|path| path.starts_with(FLOWS)).collect();
    assert_eq!(read, [second], "it goes on where it stopped");
}

#[test]
fn a_limited_platform_is_asked_once_in_a_run() {
    let world = world();
    LISTS.iter().filter(|(path, _)| path.starts_with("/did")).for_each(|(path, _)| world.apis.answers(path, 429, "{}"));
    let reply = world.backfill();
    assert_eq!(world.apis.calls().iter().filter(|path| path.starts_with("/did")).count(), 1);
    assert!(
        source(&reply, "did.talk")["stopped"] == "rate_limited"
            && source(&reply, "did.scene")["stopped"] == "rate_limited"
    );
}

#[test]
fn a_list_that_leads_in_circles_is_an_error_after_its_elements_were_brought_back() {
    let world = world();
    let body = json!({"talks": [talk("t1", Some(&callback_url("talk", "order", CALLBACK_SECRET)))], "token": "same"});
    world.apis.answers(TALKS, 200, &body.to_string());
    world.lists(FLOWS, &[generation("g1")]);
    let error = world.ask(json!({"action": "backfill"})).unwrap_err();
    assert!(error.contains("D-ID could not be asked: its list does not end"), "{error}");
    assert_eq!(ids(&sent(&world)), ["g1", "t1"]);
    assert_eq!(world.apis.calls().iter().filter(|path| path.starts_with(TALKS)).count(), 2);
}

#[test]
fn a_page_of_another_shape_is_an_error_and_a_bad_element_hides_no_other() {
    let world = world();
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let odd = format!(r#"{{"id": 7, "status": "completed", "content_url": "{LINK}", "x": {deep}, "y": "\ud83d"}}"#);
    world.apis.answers(FLOWS, 200, &format!(r#"{{"generations": [null, {{}}, {odd}, {}]}}"#, generation("g1")));
    let reply = world.backfill();
    assert_eq!(source(&reply, "elevenlabs.video")["unreadable"], 2, "{reply}");
    assert_eq!(ids(&sent(&world)), ["7", "g1"]);
    for body in ["[]", "{}", r#"{"talks": {}}"#, "<html>", r#"{"clips": []}"#] {
        world.apis.answers(TALKS, 200, body);
        world.lists(VIDEOS, &[video(&format!("s{}", body.len()), Some("order"), now())]);
        let error = world.ask(json!({"action": "backfill"})).unwrap_err();
        assert!(error.contains("D-ID could not be asked: the response is not its own"), "{error}");
        assert!(ids(&sent(&world)).contains(&format!("s{}", body.len()).as_str()), "{body}");
    }
}

#[test]
fn a_platform_that_rejects_the_key_fails_the_run_once_and_keeps_no_other_waiting() {
    for status in [401, 403] {
        let world = world();
        LISTS
            .iter()
            .filter(|(path, _)| path.starts_with("/did"))
            .for_each(|(path, _)| world.apis.answers(path, status, "{}"));
        world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
        let error = world.ask(json!({"action": "backfill"})).unwrap_err();
        let is_it = error.contains("D-ID could not be asked: it rejects the API key");
        assert!(is_it && error.lines().count() == 1, "{error}");
        assert_eq!(ids(&sent(&world)), ["s1"]);
    }
}

#[test]
fn a_list_that_a_key_does_not_show_is_no_error_where_it_shows_others() {
    for status in [401, 403, 404] {
        let world = world();
        world.apis.answers("/elevenlabs/v1/flows/image", status, "{}");
        world.lists(FLOWS, &[generation("g1")]);
        let reply = world.backfill();
        assert_eq!(source(&reply, "elevenlabs.image")["is_refused"], true, "{status}");
        assert!(reply["text"].as_str().unwrap().contains("ElevenLabs does not show this list"), "{reply}");
        assert_eq!(ids(&sent(&world)), ["g1"]);
    }
}

#[test]
fn a_key_that_was_never_stored_fails_the_run_and_keeps_no_other_waiting() {
    let world = world();
    world.aws.lock().unwrap().secrets.remove("elevenlabs-key");
    world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
    let error = world.ask(json!({"action": "backfill"})).unwrap_err();
    assert!(error.contains("no ElevenLabs API key") && error.lines().count() == 1, "{error}");
    assert_eq!(ids(&sent(&world)), ["s1"]);
}

#[test]
fn only_a_platform_with_a_key_and_an_endpoint_is_asked() {
    let world = Elsewhere::new()
        .with("SYNTHESIA_API_KEY_SECRET", "")
        .with("PLATFORM_ENDPOINTS", "synthesia/main,did/main,tavus/main");
    let reply = world.backfill();
    let lists: Vec<_> =
        reply["sources"].as_array().unwrap().iter().map(|source| source["list"].as_str().unwrap()).collect();
    assert_eq!(lists, ["did.talk", "did.clip", "did.animation", "did.scene", "did.expressive", "did.translation"]);
    assert!(world.apis.calls().iter().all(|path| path.starts_with("/did/")));

    let world = Elsewhere::new().with("PLATFORM_ENDPOINTS", "tavus/main");
    let error = world.ask(json!({"action": "backfill"})).unwrap_err();
    assert!(error.contains("no HeyGen API key"), "{error}");
}

#[test]
fn heygens_lists_and_others_are_read_whatever_becomes_of_each_other() {
    let heygen = Simulator::start(Options::default()).unwrap();
    let with_heygen = || {
        let world = Elsewhere::new().with("API_KEY_SECRET", "heygen-key").with("HEYGEN_BASE_URL", &heygen.url());
        world.aws.lock().unwrap().secrets.insert("heygen-key".to_owned(), heygen.api_key().to_owned());
        read_before(world)
    };
    let lose = || {
        let ended = StartJob::ended(JobKind::Lipsync, JobOutcome::Succeeds, HOUR);
        heygen.start_jobs(vec![StartJob { disturbance: Some(Disturbance::Lost), ..ended }]).concat()
    };
    let since = || json!({"action": "backfill", "since": hours_ago(3)});

    // All is well: HeyGen's lists come first, as without the others.
    let world = with_heygen();
    let lost = lose();
    world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
    let reply = world.ask(since()).unwrap();
    let lists: Vec<_> =
        reply["sources"].as_array().unwrap().iter().map(|source| source["list"].as_str().unwrap()).collect();
    assert_eq!(lists[..6], ["events", "videos", "video_translations", "lipsyncs", "ai_clippings", "synthesia.video"]);
    assert!(ids(&sent(&world)).contains(&lost.as_str()));

    // The others fail.
    let world = with_heygen();
    LISTS.iter().for_each(|(path, _)| world.apis.answers(path, 500, "{}"));
    world.ask(since()).unwrap_err();
    assert!(ids(&sent(&world)).contains(&lost.as_str()));

    // HeyGen fails.
    for request in [json!({"action": "backfill"}), json!({"action": "recover"})] {
        let world = with_heygen();
        world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
        world.aws.lock().unwrap().secrets.insert("heygen-key".to_owned(), "rejected".to_owned());
        let error = world.ask(request).unwrap_err();
        assert!(error.contains("heygen:"), "{error}");
        assert_eq!(ids(&sent(&world)), ["s1"]);
    }
}

#[test]
fn without_heygens_lists_the_schedule_reads_the_others() {
    for (name, value) in [("API_KEY_SECRET", ""), ("HEYGEN_API_VERSION", "v1")] {
        let world = read_before(Elsewhere::new().with(name, value));
        world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
        let reply = world.ask(json!({"action": "recover"})).unwrap();
        assert_eq!(ids(&sent(&world)), ["s1"], "{name}");
        assert_eq!(source(&reply["backfill"], "synthesia.video")["missed"], 1, "{reply}");
    }
}

#[test]
fn a_request_for_some_events_reads_no_list_of_another_platform() {
    let world = world();
    world.lists(FLOWS, &[generation("g1")]);
    for request in [
        json!({"action": "backfill", "event_type": "flows_generation"}),
        json!({"action": "backfill", "entity_id": "g1"}),
    ] {
        let error = world.ask(request).unwrap_err();
        assert!(error.contains("no HeyGen API key"), "{error}");
    }
    assert!(world.apis.calls().is_empty() && world.sent().is_empty());
}

#[test]
fn cut_at_any_call_and_run_again_each_end_is_brought_back_once() {
    let prepared = || {
        let world = world();
        world.lists(VIDEOS, &[video("s1", Some("order"), now())]);
        world.lists(FLOWS, &[generation("g1")]);
        world.lists(TALKS, &[talk("t1", Some(&callback_url("talk", "order", CALLBACK_SECRET)))]);
        world.aws.lock().unwrap().calls.clear();
        world
    };
    let calls = {
        let world = prepared();
        world.backfill();
        world.aws.lock().unwrap().calls.len()
    };
    assert!(calls > 20, "{calls}");
    for at in 1..=calls {
        let world = prepared();
        world.aws.lock().unwrap().dies_at = Some(at);
        world.ask(json!({"action": "backfill"})).unwrap_err();
        world.aws.lock().unwrap().dies_at = None;
        let before: Vec<_> = world.record().into_iter().map(|(event, _)| event.identity).collect();
        world.backfill();
        let mut identities: Vec<_> =
            world.record().into_iter().map(|(event, _)| event.identity).chain(before).collect();
        identities.sort();
        identities.dedup();
        assert_eq!(identities.len(), 3, "cut at {at}");
    }
}
