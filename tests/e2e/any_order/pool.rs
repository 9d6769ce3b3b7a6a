//! The events that the orders are made of: about a video, a translation and a group, with and without `callback_id`; and
//! about a video of Synthesia, whose events say when they happened.

use serde_json::{Value, json};
use time::OffsetDateTime;
use webhook::{Event, Platform, Verified};

/// One delivery.
pub struct Sent {
    pub delivery: aws::envelope::Delivery,
    pub event: Event,
}

type Member = (&'static str, &'static str, Option<&'static str>, &'static str);

/// Event type, id field, `callback_id`, and what else makes it different.
pub const POOL: [Member; 21] = [
    ("avatar_video.fail", "video_id", None, ""),
    ("avatar_video.fail", "video_id", Some("one"), ""),
    ("avatar_video.success", "video_id", None, ""),
    ("avatar_video.success", "video_id", Some("one"), ""),
    ("avatar_video.success", "video_id", Some("one"), "expires 20260102"),
    ("avatar_video.success", "video_id", None, "expires 20260103"),
    ("avatar_video.success", "video_id", Some("other"), "event_id"),
    ("avatar_video_gif.success", "video_id", None, ""),
    ("avatar_video_caption.success", "video_id", Some("other"), ""),
    ("avatar_video.draft", "video_id", Some("one"), ""),
    ("avatar_video.success", "video_id", Some("one"), "cut"),
    ("video_translate.success", "video_translate_id", Some("one"), "Spanish"),
    ("video_translate.fail", "video_translate_id", None, "French"),
    ("photo_avatar_train.fail", "group_id", Some("one"), ""),
    ("photo_avatar_train.success", "group_id", Some("other"), ""),
    ("photo_avatar_train.success", "group_id", None, ""),
    ("webinar.ended", "no_id", Some("one"), ""),
    ("video.failed", "synthesia", None, ""),
    ("video.completed", "synthesia", Some("one"), "at 1760000100"),
    ("video.completed", "synthesia", None, "at 1760000200"),
    ("video.completed", "synthesia", Some("one"), "expires 20260102"),
];

/// The delivery of a member of the pool; all its ids begin with `prefix`.
pub fn send(member: usize, prefix: &str) -> Sent {
    let (event_type, id, callback_id, what) = POOL[member];
    let mut data = json!({id: format!("{prefix}-{id}"), "msg": format!("reason {member}"), "title": member});
    if let Some(callback_id) = callback_id {
        data["callback_id"] = format!("{prefix}-{callback_id}").into();
    }
    let query = what.strip_prefix("expires ").map(|day| format!("?X-Amz-Date={day}T000000Z&X-Amz-Expires=60"));
    data["url"] = format!("https://x.invalid/{member}{}", query.unwrap_or_default()).into();
    if ["Spanish", "French"].contains(&what) {
        data["output_language"] = what.into();
    }
    let platform = if id == "synthesia" { Platform::Synthesia } else { Platform::HeyGen };
    let mut body = match platform {
        Platform::Synthesia => {
            let at = what.strip_prefix("at ").and_then(|at| at.parse::<i64>().ok());
            json!({"type": event_type, "data": {
                "id": data[id], "callbackId": data["callback_id"], "download": data["url"], "message": data["msg"],
                "status": if event_type == "video.failed" { "error" } else { "complete" }, "lastUpdatedAt": at,
            }})
        }
        _ => json!({"event_type": event_type, "event_data": data}),
    };
    if what == "event_id" {
        body["event_id"] = Value::from(format!("{prefix}-event"));
    }
    let mut body = body.to_string().into_bytes();
    if what == "cut" {
        body.truncate(body.len() - 2);
    }
    let body = Verified::assume_authentic(body);
    let event = platforms::read(platform, &body);
    let delivery = aws::envelope::Delivery {
        platform,
        endpoint: "main".into(),
        received_at: OffsetDateTime::now_utc(),
        request_id: "model".into(),
        via: "delivery".into(),
        advisory: aws::envelope::Advisory::default(),
        body,
    };
    Sent { delivery, event }
}

/// The first index of each different member.
pub fn distinct(set: &[usize]) -> impl Iterator<Item = usize> + '_ {
    (0..set.len()).filter(|index| !set[..*index].contains(&set[*index]))
}
