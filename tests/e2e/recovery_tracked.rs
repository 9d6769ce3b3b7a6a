//! Jobs that a team tracks: what it said of them stays, and finds the job that reports.

use crate::recovering::Recovering;
use crate::support::{only_job, unique};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue::{B, N, Ns, S, Ss};
use serde_json::json;
use simulator::Options;
use webhook::Status;

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

fn success(recovering: &Recovering, order: Option<&str>, video: &str) {
    let url = "https://files.example.invalid/1.mp4";
    recovering.reported("avatar_video.success", &json!({"video_id": video, "callback_id": order, "url": url}));
}

#[test]
fn a_job_that_was_tracked_before_heygen_was_asked_becomes_the_job_that_reports() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (order, video) = (unique("before"), unique("video"));
    recovering
        .track(&order, json!({"expected_by": LONG_AGO, "attributes": {"customer": "7", "items": [1, {"a": null}]}}));
    let pending = recovering.settled(&order);
    assert_eq!(
        (only_job(&pending).status, &only_job(&pending).attributes["customer"]),
        (Some(Status::Pending), &json!("7"))
    );

    let data = json!({"video_id": video, "callback_id": order, "url": "https://files.example.invalid/1.mp4"});
    let body = json!({"event_type": "avatar_video.success", "event_data": data}).to_string();
    recovering.stack.accepted(body.as_bytes());
    let record = recovering.stack.recorded(&order, 1);
    assert_eq!(
        (only_job(&record).entity_id.as_str(), only_job(&record).status),
        (video.as_str(), Some(Status::Succeeded))
    );
    recovering.sweep();
    let record = recovering.settled(&order);
    let job = only_job(&record);
    assert_eq!((job.entity_id.as_str(), &job.attributes["customer"]), (video.as_str(), &json!("7")));
    assert_eq!(job.attributes["items"], json!([1, {"a": null}]));
}

#[test]
fn what_was_tracked_before_stays_in_any_order_unless_it_is_given_anew() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    // Each is: t tracked with the entity, p tracked without it, e the event with the callback_id, n the event without, s a
    // sweep.
    for steps in [
        "te", "et", "pte", "tpe", "pet", "ept", "tt", "tn", "nt", "ptn", "npt", "tet", "entp", "pp", "ptp", "pes",
        "peps",
    ] {
        let (order, video) = (unique("order"), unique("video"));
        let mut expected = vec![];
        for (at, step) in steps.chars().enumerate() {
            let is_first = expected.is_empty();
            let mut track = json!({"attributes": {"customer": at, format!("step{at}"): at}});
            if is_first {
                track["attributes"]["first"] = json!(at);
                track["keep_fresh"] = json!(true);
                track["expected_by"] = json!("2030-01-01T00:00:00Z");
            }
            match step {
                't' => track["entity_id"] = json!(video),
                'e' => success(&recovering, Some(&order), &video),
                'n' => success(&recovering, None, &video),
                's' => drop(recovering.sweep()),
                _ => {}
            }
            if matches!(step, 't' | 'p') {
                expected.push(at);
                recovering.track(&order, track);
            }
        }
        recovering.sweep();
        let record = recovering.settled(&order);
        let job = only_job(&record);
        let has_ended = steps.contains(['e', 'n']);
        let status = if has_ended { Status::Succeeded } else { Status::Pending };
        assert_eq!((job.status, job.callback_id.as_ref()), (Some(status), Some(&order)), "{steps}");
        assert_eq!(job.entity_id == video, steps != "pp", "{steps}");
        for at in &expected {
            assert_eq!(job.attributes[format!("step{at}")], json!(at), "{steps}: {:?}", job.attributes);
        }
        assert_eq!(job.attributes["customer"], json!(expected.last()), "{steps}: given anew");
        assert_eq!(job.attributes["first"], json!(expected.first()), "{steps}");
        assert_eq!(job.attributes["keep_fresh"], json!(true), "{steps}");
        assert_eq!(job.attributes["expected_by"], "2030-01-01T00:00:00.000Z", "{steps}");
        assert_eq!(job.attributes["times_tracked"], json!(expected.len()), "{steps}");
    }
}

#[test]
fn what_is_tracked_at_the_same_time_is_all_kept() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    for _ in 0..3 {
        let (order, video) = (unique("order"), unique("video"));
        let track = |number: usize| {
            let attributes = json!({format!("own{number}"): number});
            let mut track =
                json!({"action": "track", "callback_id": order, "kind": "avatar_video", "attributes": attributes});
            if number % 2 == 1 {
                track["entity_id"] = json!(video);
            }
            track
        };
        let requests: Vec<_> = (0..8).map(track).collect();
        for tracked in recovering.run_at_once(&requests) {
            tracked.unwrap();
        }
        success(&recovering, Some(&order), &video);
        recovering.sweep();
        let record = recovering.settled(&order);
        let job = only_job(&record);
        let missing: Vec<_> = (0..8).filter(|number| job.attributes[format!("own{number}")] != json!(number)).collect();
        assert!(missing.is_empty(), "{missing:?} of {:?}", job.attributes);
        assert_eq!(job.attributes["times_tracked"], 8);
    }
}

#[test]
fn what_a_team_wrote_moves_to_the_job_that_reports_as_it_is() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let digits = "12345678901234567890123456789012345678".to_owned();
    let own = [
        ("tags", Ss(vec!["a".into(), "b".into()])),
        ("sizes", Ns(vec![digits.clone(), "1".into()])),
        ("digest", B(Blob::new([0xff, 0x00]))),
        ("large", N(digits)),
        ("text", S("plain".into())),
    ];
    for is_tracked_again in [true, false] {
        let (order, video) = (unique("order"), unique("video"));
        recovering.track(&order, json!({}));
        let (placeholder, item) = (format!("callback_id:{order}"), format!("job#avatar_video#callback_id:{order}"));
        recovering.write(&placeholder, &item, &own);
        if is_tracked_again {
            recovering.track(&order, json!({"entity_id": video}));
        } else {
            success(&recovering, Some(&order), &video);
            recovering.sweep();
        }
        let job = recovering.item(&video, &format!("job#avatar_video#{video}"));
        for (name, value) in &own {
            assert_eq!(job.get(*name), Some(value), "{name} {is_tracked_again}");
        }
        assert!(recovering.item(&placeholder, &item).is_empty());
        assert!(recovering.item(&order, &format!("pointer#{item}")).is_empty());
    }
}

#[test]
fn an_event_about_what_has_got_its_id_brings_nothing_back() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let (order, video) = (unique("order"), unique("video"));
    recovering.track(&order, json!({}));
    success(&recovering, Some(&order), &video);
    recovering.sweep();
    // A sweep sent it just before, and it was late.
    recovering
        .reported("avatar_video.fail", &json!({"video_id": format!("callback_id:{order}"), "callback_id": order}));
    let job = recovering.settled(&order);
    assert_eq!((only_job(&job).entity_id.as_str(), only_job(&job).status), (video.as_str(), Some(Status::Succeeded)));
    let replay = json!({"action": "replay", "to": "processor", "entity_id": format!("callback_id:{order}")});
    assert_eq!(recovering.run(replay).unwrap()["matching"], 0);
}

#[test]
fn what_is_not_a_job_or_would_overwrite_ours_is_rejected() {
    let Some(recovering) = Recovering::new(Options::default()) else { return };
    let order = unique("rejected");
    for (request, word) in [
        (json!({"kind": "avatar_video", "attributes": {"status": "succeeded"}}), "status"),
        (json!({"kind": "avatar#video"}), "no kind"),
        (json!({"kind": "avatar_video", "callback_id": ""}), "callback_id"),
        (json!({"kind": "avatar_video", "entity_id": ""}), "entity_id"),
        (json!({"kind": "avatar_video", "entity_id": "a,b"}), "entity_id"),
        (json!({"kind": "avatar_video", "entity_id": "a b"}), "entity_id"),
        (json!({"kind": "avatar_video", "entity_id": "callback_id:order"}), "entity_id"),
    ] {
        let mut track = json!({"action": "track", "callback_id": order});
        track.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        let error = recovering.run(track).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(recovering.settled(&order).jobs.is_empty());
}
