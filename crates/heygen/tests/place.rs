//! Where an event is kept.

#![allow(clippy::disallowed_methods, reason = "no request is involved")]

use heygen::{Verified, read};
use serde_json::{Value, json};

fn place(data: Value) -> (String, Option<String>) {
    let body = json!({"event_type": "avatar_video.fail", "event_data": data}).to_string();
    let place = read(&Verified::assume_authentic(body.into())).place();
    (place.partition.to_string(), place.pointer_from.map(|id| id.to_string()))
}

#[test]
fn all_events_of_an_entity_are_kept_together_and_the_callback_id_points_there() {
    assert_eq!(place(json!({"video_id": "v"})), ("v".into(), None));
    assert_eq!(place(json!({"video_id": "v", "callback_id": "c"})), ("v".into(), Some("c".into())));
    assert_eq!(place(json!({"video_id": "v", "callback_id": "v"})), ("v".into(), Some("v".into())));
}

#[test]
fn a_pointer_names_the_job_and_fits_a_sort_key() {
    let key = |event_type: &str, id: &str| {
        let body = json!({"event_type": event_type, "event_data": {"video_id": id, "callback_id": "c"}}).to_string();
        let event = read(&Verified::assume_authentic(body.into()));
        event.place().pointer_key(event.job().as_ref())
    };
    assert_eq!(key("avatar_video.fail", "v"), "pointer#job#avatar_video#v");
    assert_eq!(key("avatar_video.progress", "v"), "pointer#id#v");
    let long = "x".repeat(1024);
    assert!(key("avatar_video.fail", &long).len() <= 1024 && key("avatar_video.progress", &long).len() <= 1024);
    assert_ne!(key("avatar_video.progress", &long), key("avatar_video.progress", &long[1..]));
}

#[test]
fn a_job_on_a_reused_entity_is_kept_at_its_callback_id() {
    assert_eq!(place(json!({"group_id": "g", "callback_id": "c"})), ("c".into(), Some("g".into())));
    assert_eq!(place(json!({"group_id": "g"})), ("g".into(), None));
}

#[test]
fn without_an_entity_it_is_kept_at_the_best_id_that_is_known() {
    assert_eq!(place(json!({"callback_id": "c"})), ("c".into(), None));
    let (partition, pointer) = place(json!({}));
    assert_eq!((partition.len(), pointer), (64, None));
}
