//! Bodies that a simpler reading would lose or confuse: each is recorded under its `callback_id`.

use crate::support::{body, only_job, stack, unique};
use serde_json::json;
use webhook::Status;

/// A finished video whose `title` is this JSON.
fn titled(order: &str, title: &str) -> Vec<u8> {
    let video = format!("video-{order}");
    let data =
        format!(r#"{{"title":{title},"video_id":"{video}","callback_id":"{order}","url":"https://x.invalid/v"}}"#);
    format!(r#"{{"event_type":"avatar_video.success","event_data":{data}}}"#).into_bytes()
}

#[test]
fn an_odd_value_in_a_field_that_is_not_read_does_not_hide_the_job() {
    let stack = stack();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    for title in [r#""cut \ud83d""#, "1e400", "-1e400", r#"{"\udc00":[]}"#, "123456789012345678901234567890", &deep] {
        let order = unique("odd");
        stack.accepted(&titled(&order, title));
        let rows = stack.recorded(&order, 1);
        assert_eq!(only_job(&rows).status, Some(Status::Succeeded), "{}", &title[..title.len().min(40)]);
    }
}

#[test]
fn a_byte_order_mark_does_not_hide_the_job() {
    let stack = stack();
    let order = unique("mark");
    stack.accepted(&[b"\xef\xbb\xbf".to_vec(), titled(&order, "1")].concat());
    assert_eq!(only_job(&stack.recorded(&order, 1)).status, Some(Status::Succeeded));
}

#[test]
fn a_body_that_breaks_off_is_recorded_under_its_callback_id_and_changes_no_job() {
    let stack = stack();
    let order = unique("cut");
    let whole = titled(&order, "1");
    stack.accepted(&whole[..whole.len() - 12]);
    let rows = stack.recorded(&order, 1);
    assert!(rows.jobs.is_empty());
    stack.accepted(&whole);
    assert_eq!(only_job(&stack.recorded(&order, 2)).status, Some(Status::Succeeded));
}

#[test]
fn ids_of_any_length_keep_their_digits() {
    let stack = stack();
    let order = unique("digits");
    let numbered = |id: &str| {
        let data = format!(r#"{{"video_id":{id},"callback_id":"{order}"}}"#);
        format!(r#"{{"event_type":"avatar_video.success","event_data":{data}}}"#).into_bytes()
    };
    for id in ["18446744073709551617", "18446744073709551618"] {
        stack.accepted(&numbered(id));
    }
    let rows = stack.recorded(&order, 2);
    let ids: Vec<_> = rows.jobs.iter().map(|job| job.entity_id.as_str()).collect();
    assert_eq!(ids, ["18446744073709551617", "18446744073709551618"]);
}

#[test]
fn one_translation_into_two_languages_is_two_jobs() {
    let stack = stack();
    let (order, translation) = (unique("order"), unique("translation"));
    for language in ["Spanish", "French"] {
        let data = json!({"video_translate_id": translation, "callback_id": order, "output_language": language});
        stack.accepted(&body("video_translate.success", data));
    }
    assert_eq!(stack.recorded(&order, 2).jobs.len(), 2);
}

#[test]
fn two_trainings_of_one_group_are_two_jobs_and_every_event_is_kept() {
    let stack = stack();
    let (group, first, second) = (unique("group"), unique("first"), unique("second"));
    for (order, outcome) in [(&first, "fail"), (&first, "success"), (&second, "fail")] {
        let data = json!({"group_id": group, "callback_id": order});
        stack.accepted(&body(&format!("photo_avatar_train.{outcome}"), data));
    }
    assert_eq!(only_job(&stack.recorded(&first, 2)).status, Some(Status::Succeeded));
    assert_eq!(only_job(&stack.recorded(&second, 1)).status, Some(Status::Failed));
}

#[test]
fn of_two_successes_the_one_whose_links_expire_later_stands_in_any_order() {
    let stack = stack();
    let success = |order: &str, event_id: &str, expires: &str| {
        let url = format!("https://x.invalid/{event_id}?X-Amz-Date={expires}T000000Z&X-Amz-Expires=60");
        let data = json!({"video_id": format!("video-{order}"), "callback_id": order, "url": url});
        json!({"event_type": "avatar_video.success", "event_id": event_id, "event_data": data}).to_string().into_bytes()
    };
    // With each order of arrival, and with the smaller identity on either side.
    for (first, second) in [("a", "b"), ("b", "a")] {
        for dates in [["20260101", "20260102"], ["20260102", "20260101"]] {
            let order = unique("links");
            stack.accepted(&success(&order, first, dates[0]));
            stack.recorded(&order, 1);
            stack.accepted(&success(&order, second, dates[1]));
            let rows = stack.recorded(&order, 2);
            let later = if dates[1] == "20260102" { second } else { first };
            let link = &only_job(&rows).links["video"];
            assert!(link.starts_with(&format!("https://x.invalid/{later}?")), "{first} {second} {dates:?}");
        }
    }
}
