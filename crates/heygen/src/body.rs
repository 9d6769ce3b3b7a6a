//! Lenient reading of a delivery's body: nothing in a field that is not read can hide the others.
//!
//! serde_json finds where each value ends and leaves it undecoded, which works at any depth and for
//! numbers of any size. Only the fields that the other modules read are decoded, and they are
//! finitely many, so memory stays in proportion to the body whatever else is in it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{EventType, entity_id, failure, links};
use webhook::json::{each_element, each_field, text};
use webhook::pick::decoded;

/// The fields of a body that are read, with numbers as the text of their digits.
#[derive(Default)]
pub(crate) struct Body {
    pub(crate) event_type: Option<EventType>,
    pub(crate) event_id: Option<String>,
    pub(crate) created_at: Option<String>,
    /// The ids, links and texts of `event_data`. Which of them counts is decided by the modules that
    /// read them.
    pub(crate) data: Map<String, Value>,
    /// The links of its `clips`, by their names in [`links`].
    pub(crate) clips: BTreeMap<String, String>,
    /// Whether the body is JSON from its beginning to its end.
    pub(crate) is_json: bool,
}

impl Body {
    /// Reads a body. A byte order mark is skipped, and bytes that are not UTF-8 become U+FFFD. Of a
    /// body that is not JSON from some point on, the fields before that point are read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = decoded(bytes);
        let mut body = Self::default();
        let mut data = None;
        body.is_json = each_field(&text, is_read_at_the_top, |name, value| match name {
            "event_type" => body.event_type = not_empty(value).map(EventType::new),
            "event_id" => body.event_id = not_empty(value),
            "created_at" => body.created_at = not_empty(value),
            _ => data = Some(value),
        });
        let cut_off = || after_name(&text, "\"event_data\"").filter(|_| !body.is_json);
        if let Some(data) = data.or_else(cut_off) {
            body.read_data(data);
        }
        body
    }

    fn read_data(&mut self, data: &str) {
        let own_id = self.event_type.as_ref().map(entity_id::named_for);
        let is_read = |name: &str| is_read_in_data(name) || own_id.as_deref() == Some(name);
        each_field(data, is_read, |name, value| {
            if name == "clips" {
                self.clips = clips(value);
            } else {
                self.data.insert(name.to_owned(), reduced(name, value));
            }
        });
    }
}

fn is_read_at_the_top(name: &str) -> bool {
    matches!(name, "event_type" | "event_id" | "created_at" | "event_data")
}

/// Whether a field of `event_data` is read, whatever the event's type.
fn is_read_in_data(name: &str) -> bool {
    matches!(name, "callback_id" | "output_language" | "clips")
        || crate::event::DURATIONS.contains(&name)
        || entity_id::reads(name)
        || links::reads(name)
        || failure::reads(name)
}

/// The text from the value of the first field of this name on.
fn after_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split_once(name)?.1.trim_start().strip_prefix(':')
}

/// HeyGen writes `""` for null.
fn not_empty(value: &str) -> Option<String> {
    text(value).filter(|text| !text.is_empty())
}

/// The value of a field of `event_data`, as far as it is read.
fn reduced(name: &str, value: &str) -> Value {
    if name == "error" && value.starts_with('{') {
        let mut fields = Map::new();
        each_field(value, failure::reads_in_error, |name, value| {
            fields.insert(name.to_owned(), text(value).into());
        });
        return Value::Object(fields);
    }
    text(value).into()
}

/// The links of an array of clips, each an object with `id` and `video_url`.
fn clips(value: &str) -> BTreeMap<String, String> {
    let mut clips = BTreeMap::new();
    each_element(value, |clip| {
        let (mut id, mut link) = (None, None);
        each_field(
            clip,
            |name| matches!(name, "id" | "video_url"),
            |name, value| *(if name == "id" { &mut id } else { &mut link }) = not_empty(value),
        );
        clips.extend(id.zip(link).and_then(|(id, link)| links::of_clip(&id, link)));
    });
    clips
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The event type, `event_data`, and whether the body is JSON.
    fn read(body: &str) -> (Option<String>, Value, bool) {
        let Body { event_type, data, is_json, .. } = Body::read(body.as_bytes());
        (event_type.map(|event_type| event_type.as_str().to_owned()), data.into(), is_json)
    }

    fn read_data(fields: &str) -> Value {
        read(&format!(r#"{{"event_data":{{{fields}}}}}"#)).1
    }

    #[test]
    fn nothing_in_an_unread_field_hides_the_others() {
        let deep_array = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep_object = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        let expected = (Some("t".to_owned()), json!({"video_id": "v1"}), true);
        for odd in [r#""cut \ud83d""#, "1e400", "-1e-999999", r#"{"\ud83d": 1}"#, &deep_array, &deep_object] {
            for data in
                [format!(r#"{{"title":{odd},"video_id":"v1"}}"#), format!(r#"{{"video_id":"v1","title":{odd}}}"#)]
            {
                let body = format!(r#"{{"odd":{odd},"event_type":"t","event_data":{data}}}"#);
                assert_eq!(read(&body), expected, "{}", &odd[..odd.len().min(40)]);
            }
        }
    }

    #[test]
    fn an_odd_name_hides_no_field() {
        for name in [r"\ud83d", "", r"\u0000", "événement", "event_type "] {
            let body = format!(r#"{{"{name}":1,"event_type":"t","event_data":{{"{name}":{{}},"video_id":"v1"}}}}"#);
            assert_eq!(read(&body), (Some("t".to_owned()), json!({"video_id": "v1"}), true), "{name}");
        }
    }

    #[test]
    fn an_odd_value_in_a_field_that_is_read_is_read_as_far_as_possible() {
        assert_eq!(read_data(r#""id":18446744073709551617"#), json!({"id": "18446744073709551617"}));
        assert_eq!(read_data(r#""id":1e400"#), json!({"id": "1e400"}));
        assert_eq!(read_data(r#""id":"a\ud83d\u0041\u00e9""#), json!({"id": "a\u{fffd}\u{fffd}\u{fffd}Aé"}));
        assert_eq!(read_data(r#""id":"first","id":"last""#), json!({"id": "last"}));
        assert_eq!(
            read_data(r#""id":{"a":[1]},"url":[true],"error":7"#),
            json!({"id": null, "url": null, "error": "7"})
        );
        let error = read_data(r#""error":{"code":7,"message":"m","detail":{"a":1}}"#);
        assert_eq!(error, json!({"error": {"code": "7", "message": "m"}}));
    }

    #[test]
    fn the_field_that_is_named_for_the_kind_is_read_wherever_the_type_is() {
        let data = r#""event_data":{"hologram_id":"h","portrait_id":"p"}"#;
        for body in [
            format!(r#"{{"event_type":"hologram.success",{data}}}"#),
            format!(r#"{{{data},"event_type":"hologram.success"}}"#),
        ] {
            assert_eq!(read(&body).1, json!({"hologram_id": "h"}), "{body}");
        }
    }

    #[test]
    fn only_clips_with_an_id_and_a_link_are_read() {
        let clips = r#"[{"id":"c1","video_url":"https://x.invalid/1","thumbnail_url":"https://x.invalid/t"},
            {"video_url":"https://x.invalid/2","id":2,"odd":[[1e400]]}, 7, [], {"title":"t"}, "c4",
            {"id":"c5","video_url":null}, {"id":"","video_url":"https://x.invalid/6"}, {"id":"c7","video_url":"pending"}]"#;
        let read = |clips: &str| Body::read(format!(r#"{{"event_data":{{"clips":{clips}}}}}"#).as_bytes()).clips;
        let expected = [("clip.2", "https://x.invalid/2"), ("clip.c1", "https://x.invalid/1")];
        assert_eq!(read(clips), expected.map(|(name, link)| (name.to_owned(), link.to_owned())).into());
        for none in ["[]", "{}", "null", "7", r#""c1""#] {
            assert!(read(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_bytes_that_are_not_utf_8_do_not_matter() {
        let body = Body::read(b"\xef\xbb\xbf{\"event_type\":\"t\",\"title\":\"\xff\",\"event_id\":\"e\xff\"}");
        assert_eq!((body.is_json, body.event_id.as_deref()), (true, Some("e\u{fffd}")));
    }

    #[test]
    fn a_body_that_breaks_off_is_read_until_there() {
        let whole = r#"{"event_type":"t","event_data":{"callback_id":"c","video_id":"v","title":"x"}}"#;
        for end in whole.find("\"title\"").unwrap()..whole.len() {
            let expected = (Some("t".to_owned()), json!({"callback_id": "c", "video_id": "v"}), false);
            assert_eq!(read(&whole[..end]), expected, "{}", &whole[..end]);
        }
        for wrong in ["\"a\nb\"", r#""\q""#, "tru", "'x'"] {
            let body = format!(r#"{{"event_data":{{"callback_id":"c","title":{wrong},"id":1}},"event_type":"t"}}"#);
            assert_eq!(read(&body), (None, json!({"callback_id": "c"}), false), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_an_object_has_no_fields() {
        for (text, is_json) in
            [("", false), ("x", false), ("7 7", false), ("[]", true), ("7", true), ("\"\\ud83d\"", true)]
        {
            assert_eq!(read(text), (None, json!({}), is_json), "{text}");
        }
        assert_eq!(read(r#" {"event_data": "x", "a": {}} "#), (None, json!({}), true));
    }
}
