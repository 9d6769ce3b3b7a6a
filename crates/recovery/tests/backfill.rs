//! What a run reads of HeyGen's lists, where it goes on, and what it sends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::world::{HOUR, World, hours_ago, missed, rejected};
use serde_json::{Value, json};
use simulator::{Fault, JobKind, JobOutcome, Options, StartJob, When};
use std::time::Duration;

const EVENTS: When = When::Next("GET", "/v3/webhooks/events");
const LIPSYNCS: When = When::Next("GET", "/v3/lipsyncs");
const VIDEOS: When = When::Next("GET", "/v3/videos");

fn listing_all() -> World {
    World::new(Options { list_undelivered: true, ..Options::default() })
}

#[test]
fn a_manual_backfill_moves_no_cursor_over_what_nobody_read() {
    let world = listing_all();
    world.has_read_until(5);
    let lost = world.lost(&JobKind::Video, 1, HOUR * 3);
    for (since, until) in
        [(Some(hours_ago(1)), None), (Some(hours_ago(9)), Some(hours_ago(7))), (None, Some(hours_ago(4)))]
    {
        world.ask(json!({"action": "backfill", "since": since, "until": until})).unwrap();
        assert_eq!(world.sent(), <[&str; 0]>::default(), "it is not asked for");
    }
    world.backfill();
    assert_eq!(world.sent(), lost);
}

#[test]
fn until_is_never_later_than_what_may_still_be_on_its_way() {
    let world =
        World::with(Options { list_undelivered: true, ..Options::default() }, &[("BACKFILL_DELAY_MINUTES", "60")]);
    world.has_read_until(5);
    let lost = world.lost(&JobKind::Video, 1, HOUR / 2);
    let request = json!({"action": "backfill", "since": hours_ago(3), "until": hours_ago(-3)});
    let reply = world.ask(request).unwrap();
    assert!(reply["left_out_after"].is_string() && reply["text"].as_str().unwrap().contains("was left out"), "{reply}");
    assert!(world.cursor("videos", "read_until").unwrap() <= time::OffsetDateTime::now_utc().unix_timestamp() - 3_600);
    assert_eq!(world.sent(), <[&str; 0]>::default());
    world.advance(HOUR);
    let reply = world.ask(json!({"action": "backfill", "entity_id": lost[0]})).unwrap();
    assert!(reply["left_out_after"].is_null());
    assert_eq!(world.sent(), lost, "unless it is asked for by its id");
}

/// What `since` asks for is brought back by the next run, after one that `stops`.
fn goes_on_after(stops: impl Fn(&World, Value)) {
    for next in [json!({"action": "backfill"}), json!({"action": "backfill", "since": hours_ago(90)})] {
        let world = listing_all();
        world.has_read_until(1);
        let mut lost = world.lost(&JobKind::Lipsync, 130, HOUR * 80);
        lost.extend(world.lost(&JobKind::Video, 1, HOUR * 70));
        lost.sort();
        stops(&world, json!({"action": "backfill", "since": hours_ago(90)}));
        assert_eq!(world.ask(next).unwrap()["more"], false);
        assert_eq!(world.sent(), lost);
    }
}

#[test]
fn a_backfill_that_had_no_time_goes_on_whoever_asks() {
    goes_on_after(|world, since| {
        let reply = world.ask_within(Duration::ZERO, since).unwrap();
        assert_eq!((&reply["more"], world.asked("/v3/lipsyncs")), (&json!(true), 0));
    });
}

#[test]
fn a_backfill_that_failed_goes_on_whoever_asks() {
    goes_on_after(|world, since| {
        world.inject(EVENTS, Fault::edit(|_, body| body["next_token"] = json!("bogus")));
        world.ask(since).unwrap_err();
        assert_eq!(world.token("events").as_deref(), Some("bogus"));
    });
}

#[test]
fn a_request_that_is_repeated_ends() {
    let world = World::new(Options::default());
    world.has_read_until(1);
    let lost = world.lost(&JobKind::Lipsync, 250, HOUR * 80);
    let since = json!({"action": "backfill", "since": hours_ago(90)});
    let mut runs = 0;
    loop {
        // There is time for one page in each run.
        world.inject(LIPSYNCS, Fault::Stall(Duration::from_millis(10)));
        world.inject(LIPSYNCS, Fault::Stall(Duration::from_millis(1_500)));
        runs += 1;
        if world.ask_within(Duration::from_secs(1), since.clone()).unwrap()["more"] == false {
            break;
        }
        assert!(runs < 10, "it begins again each time");
    }
    assert!(runs > 2, "this was no long list");
    assert_eq!(world.sent(), lost);
    let reply = world.ask(since).unwrap();
    assert_eq!((&reply["sources"][3]["listed"], missed(&reply)), (&json!(250), 0), "a new request reads all again");
}

#[test]
fn a_narrowed_backfill_can_be_continued() {
    let world = listing_all();
    let lost = world.lost(&JobKind::Video, 250, HOUR * 80);
    let mut request = json!({"action": "backfill", "event_type": "avatar_video.success"});
    world.inject(When::Nth(2), Fault::Stall(Duration::from_millis(2_500)));
    let reply = world.ask_within(Duration::from_secs(2), request.clone()).unwrap();
    assert_eq!((missed(&reply), &reply["more"]), (100, &json!(true)));
    request["continue_from"] = reply["continue_from"].clone();
    let reply = world.ask(request).unwrap();
    assert_eq!((missed(&reply), &reply["more"], &reply["continue_from"]), (150, &json!(false), &Value::Null));
    assert_eq!(reply["sources"][0]["listed"], 150, "the first page is not read again");
    assert_eq!(world.sent(), lost);
}

#[test]
fn a_stored_token_that_fails_begins_the_scan_again_once() {
    let world = listing_all();
    world.has_read_until(5);
    let lost = world.lost(&JobKind::Video, 1, HOUR);
    let left = [("read_until", 1), ("scan_from", 0), ("scan_until", i64::from(u32::MAX))];
    world.store("events", &left);
    world.set_token("events", "expired");
    assert_eq!(world.backfill()["more"], false);
    assert_eq!(world.sent(), lost);
    assert_eq!((world.asked("/v3/webhooks/events"), world.token("events")), (2, None));

    // What fails without it, too, is an error.
    world.store("events", &left);
    world.set_token("events", "expired");
    world.inject(EVENTS, rejected());
    world.inject(EVENTS, rejected());
    world.ask(json!({"action": "backfill"})).unwrap_err();
    assert_eq!(world.asked("/v3/webhooks/events"), 4);
}

#[test]
fn a_token_that_fails_in_the_run_that_got_it_is_an_error_and_the_next_list_is_read() {
    let world = listing_all();
    world.has_read_until(5);
    world.lost(&JobKind::VideoAgent, 150, HOUR);
    let clips = world.lost(&JobKind::AiClipping(1), 1, HOUR);
    world.inject(EVENTS, Fault::edit(|_, body| body["next_token"] = json!("bogus")));
    let error = world.ask(json!({"action": "backfill"})).unwrap_err();
    assert!(error.contains("heygen:ListEvents"), "{error}");
    assert_eq!(world.asked("/v3/webhooks/events"), 2);
    assert!(world.sent().contains(&clips[0]));
    // One may have been sent from its own list before.
    let noted = world.cursor("events", "missed");
    assert!(matches!(noted, Some(99 | 100)), "what the first page had is noted: {noted:?}");
}

#[test]
fn what_was_sent_before_an_error_is_noted_and_the_rest_is_sent_by_the_next_run() {
    let world = World::new(Options::default());
    world.has_read_until(5);
    let lost = world.lost(&JobKind::Video, 40, HOUR);
    let read_until = world.cursor("videos", "read_until");
    world.queue_takes(Some(7));
    let error = world.ask(json!({"action": "backfill"})).unwrap_err();
    assert!(error.contains("sqs:SendMessage"), "{error}");
    assert_eq!((world.cursor("videos", "missed"), world.cursor("videos", "read_until")), (Some(7), read_until));
    world.ask(json!({"action": "backfill"})).unwrap_err();
    world.queue_takes(None);
    assert_eq!(missed(&world.backfill()), 33);
    assert_eq!(world.sent(), lost);
}

#[test]
fn the_elements_of_a_page_whose_token_repeats_are_brought_back() {
    let world = listing_all();
    world.has_read_until(5);
    let lost = world.lost(&JobKind::Video, 2, HOUR);
    let emitted = |body: &mut Value| (body["has_more"], body["next_token"]) = (json!(true), json!("same"));
    world.store("events", &[("read_until", 1), ("scan_from", 0), ("scan_until", i64::from(u32::MAX))]);
    world.set_token("events", "same");
    for fault in [rejected(), Fault::edit(move |_, body| emitted(body)), Fault::edit(move |_, body| emitted(body))] {
        world.inject(EVENTS, fault);
    }
    world.inject(VIDEOS, rejected());
    world.ask(json!({"action": "backfill"})).unwrap_err();
    assert_eq!(world.sent(), lost);
}

#[test]
fn an_event_of_two_lists_is_sent_and_counted_once() {
    let world = listing_all();
    world.has_read_until(5);
    world.records_later();
    let lost = world.lost(&JobKind::Video, 1, HOUR);
    assert_eq!(missed(&world.backfill()), 1);
    assert_eq!(world.sent(), lost);
}

#[test]
fn a_list_that_takes_long_leaves_time_for_the_others() {
    // The order of the lists is random.
    for _ in 0..2 {
        let world = World::new(Options::default());
        world.has_read_until(9);
        let running = StartJob::ended(JobKind::Translation("Spanish".to_owned()), JobOutcome::NeverEnds, HOUR);
        world.start_jobs(vec![running; 1_500]);
        let lipsyncs = world.lost(&JobKind::Lipsync, 1, HOUR);
        for path in ["/v3/video-translations", "/v3/videos"] {
            (0..15).for_each(|_| world.inject(When::Next("GET", path), Fault::Stall(Duration::from_millis(300))));
        }
        let reply = world.ask_within(Duration::from_secs(3), json!({"action": "backfill"})).unwrap();
        let sources = reply["sources"].as_array().unwrap();
        let of = |list: &str| sources.iter().find(|source| source["list"] == list).unwrap();
        assert_eq!((&of("lipsyncs")["is_complete"], world.sent()), (&json!(true), lipsyncs), "{reply}");
        let long =
            ["videos", "video_translations"].map(|list| (of(list)["is_complete"] == true, of(list)["listed"].as_i64()));
        assert!(long.iter().all(|(is_complete, listed)| !is_complete && *listed >= Some(200)), "{reply}");
    }
}

#[test]
fn without_time_no_step_of_a_scheduled_run_begins() {
    let world = listing_all();
    world.has_read_until(5);
    let reply = world.ask_within(Duration::ZERO, json!({"action": "recover"})).unwrap();
    let asked: Vec<_> = world.calls().into_iter().map(|call| call.path).collect();
    assert_eq!((&reply["more"], asked), (&json!(true), vec!["/v3/webhooks/endpoints".to_owned()]));
}
