//! Events of several platforms, about entities whose ids happen to be the same.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webhook::Event;
use webhook_testing::authentic;

#[test]
fn events_of_two_platforms_are_never_the_same() {
    let types =
        ["video.completed", "video.failed", "flows_generation", "avatar_video.success", "hologram", "x.success"];
    let mut identities = BTreeSet::new();
    let mut count = 0;
    let mut keep = |events: [Event; 3]| {
        identities.extend(events.map(|event| event.identity.to_string()));
        count += 3;
    };
    for body in types.map(|event_type| {
        let data = json!({"id": "1", "status": "completed"});
        json!({"type": event_type, "event_type": event_type, "data": data, "event_data": data}).to_string()
    }) {
        keep(read(body));
    }
    for body in ["", "not json", "{}", "[]"] {
        keep(read(body.to_owned()));
    }
    assert_eq!(identities.len(), count);
}

#[test]
fn jobs_of_two_platforms_never_share_a_key() {
    let key = |event: Event| event.job().map(|job| job.item_key());
    let data: Value = json!({"id": "1", "status": "completed"});
    let [_, synthesia, _] = read(json!({"type": "video.completed", "data": data}).to_string());
    let [_, _, elevenlabs] = read(json!({"type": "flows_generation", "data": data}).to_string());
    let [heygen, _, _] = read(json!({"event_type": "video.success", "event_data": data}).to_string());
    let keys: BTreeSet<String> = [heygen, synthesia, elevenlabs].into_iter().filter_map(key).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
}

/// The body as each platform's.
fn read(body: String) -> [Event; 3] {
    let body = authentic(body);
    [heygen::read(&body), synthesia::read(&body), elevenlabs::read(&body)]
}
