//! Jobs.

use crate::support::*;
use serde_json::{Value, json};
use simulator::{JobKind, JobOutcome, Options, Receiver};

#[test]
fn the_end_of_a_video_is_delivered_and_its_status_can_be_read() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let done = api.start_job(JobKind::Video, Some("order_1"), JobOutcome::Succeeds);
    api.wait_until_delivered(TIMEOUT).unwrap();
    let failed = api.start_job(JobKind::Video, None, JobOutcome::Fails("no voice".into()));
    api.wait_until_delivered(TIMEOUT).unwrap();
    let running = api.start_job(JobKind::Video, Some("order_2"), JobOutcome::NeverEnds);
    api.wait_until_delivered(TIMEOUT).unwrap();

    let bodies: Vec<Value> =
        receiver.deliveries().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0]["event_type"], "avatar_video.success");
    assert_eq!(bodies[0]["event_data"]["callback_id"], "order_1");
    assert_eq!(bodies[0]["event_data"]["video_id"], done);
    let data = json!({"video_id": failed, "callback_id": null, "msg": "no voice"});
    assert_eq!(bodies[1], json!({"event_type": "avatar_video.fail", "event_data": data}));

    let video = |id: &str| ok(&api.get(&format!("/v3/videos/{id}")))["data"].clone();
    assert_eq!(video(&done)["status"], "completed");
    assert!(video(&done).get("callback_id").is_none());
    assert_ne!(video(&done)["video_url"], video(&done)["video_url"], "each call returns a fresh link");
    assert_eq!(video(&failed)["failure_message"], "no voice");
    assert_eq!((&video(&running)["status"], &video(&running)["video_url"]), (&json!("processing"), &Value::Null));
    let v1 = |id: &str| ok(&api.get(&format!("/v1/video_status.get?video_id={id}")))["data"].clone();
    assert_eq!((&v1(&done)["status"], &v1(&done)["callback_id"]), (&json!("completed"), &json!("order_1")));
    assert_eq!(v1(&failed)["error"]["message"], "no voice");

    let statuses = ok(&api.get(&format!("/v3/videos/statuses?video_ids={done},{failed},{running},unknown")));
    let statuses: Vec<_> = statuses["data"].as_array().unwrap().iter().map(|video| video["status"].clone()).collect();
    assert_eq!(statuses, ["completed", "failed", "processing", "not_found"]);
    let ids = |count| format!("/v3/videos/statuses?video_ids={}", vec!["x"; count].join(","));
    ok(&api.get(&ids(100)));
    rejected(&api.get(&ids(101)), 400, "invalid_parameter");
    rejected(&api.get(&ids(0)), 400, "invalid_parameter");
    rejected(&api.get("/v3/videos/unknown"), 404, "not_found");
    rejected_by_v1(&api.get("/v1/video_status.get?video_id=unknown"), 404, 404_000);
}

#[test]
fn a_translation_into_two_languages_is_two_jobs() {
    let receiver = Receiver::start().unwrap();
    let api = Api::with(&[&receiver], Options::default());
    let into = |language: &str, outcome| api.start_job(JobKind::Translation(language.into()), Some("order_1"), outcome);
    let (spanish, french) =
        (into("Spanish", JobOutcome::Succeeds), into("French", JobOutcome::Fails("too long".into())));
    let german = into("German", JobOutcome::NeverEnds);
    api.wait_until_delivered(TIMEOUT).unwrap();
    assert_eq!(receiver.deliveries().len(), 2);
    let asked = |id: &str| ok(&api.get(&format!("/v3/video-translations/{id}")))["data"].clone();
    assert_eq!(
        (&asked(&spanish)["status"], &asked(&spanish)["output_language"]),
        (&json!("completed"), &json!("Spanish"))
    );
    assert_eq!((&asked(&french)["status"], &asked(&french)["failure_message"]), (&json!("failed"), &json!("too long")));
    assert_eq!((&asked(&german)["status"], &asked(&german)["callback_id"]), (&json!("running"), &json!("order_1")));
    rejected(&api.get(&format!("/v3/videos/{spanish}")), 404, "not_found");
    rejected(&api.get("/v3/video-translations/unknown"), 404, "not_found");
}
