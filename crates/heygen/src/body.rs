//! Lenient reading of a delivery's body: nothing in a field that is not read can hide the others.
//!
//! serde_json finds where each value ends and leaves it undecoded, which works at any depth and for
//! numbers of any size. Only the fields that [`Level::reads`] names are decoded, so memory stays in
//! proportion to these.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};

/// The fields of a body that are read, with numbers as the text of their digits.
pub(crate) struct Body {
    /// `{"event_type": …, "event_data": {…}}`, as far as it could be read.
    pub(crate) value: Value,
    /// Whether the body is JSON from its beginning to its end.
    pub(crate) is_json: bool,
}

/// Where in the body an object is.
#[derive(Clone, Copy)]
enum Level {
    Top,
    Data,
    Error,
    Clip,
}

impl Level {
    /// Whether a field of this name is read here. In `event_data` these are ids, links and what
    /// names a failure; which of them counts is decided by the modules that read them.
    fn reads(self, name: &str) -> bool {
        match self {
            Self::Top => matches!(name, "event_type" | "event_id" | "created_at" | "event_data"),
            Self::Data => {
                matches!(name, "id" | "output_language" | "error" | "msg" | "clips")
                    || ["_id", "url", "_code", "message"].iter().any(|end| name.ends_with(end))
            }
            Self::Error => matches!(name, "code" | "message"),
            Self::Clip => matches!(name, "id" | "video_url"),
        }
    }

    fn below(self, name: &str) -> Option<Self> {
        match (self, name) {
            (Self::Top, "event_data") => Some(Self::Data),
            (Self::Data, "error") => Some(Self::Error),
            (Self::Data, "clips") => Some(Self::Clip),
            _ => None,
        }
    }
}

impl Body {
    /// Reads a body. A byte order mark is skipped, and bytes that are not UTF-8 become U+FFFD. Of a
    /// body that is not JSON from some point on, the fields before that point are read.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let mut top = Map::new();
        let is_json = collect(&text, Level::Top, &mut top);
        if !is_json
            && !top.contains_key("event_data")
            && let Some(data) = after_name(&text, "\"event_data\"")
        {
            let mut fields = Map::new();
            collect(data, Level::Data, &mut fields);
            top.insert("event_data".to_owned(), Value::Object(fields));
        }
        Self { value: Value::Object(top), is_json }
    }
}

/// The text from the value of the first field of this name on.
fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split_once(name)?.1.trim_start().strip_prefix(':')
}

/// Reads the fields of an object until its end or the first error. False if the text is not JSON.
fn collect(text: &str, level: Level, fields: &mut Map<String, Value>) -> bool {
    let mut reader = Deserializer::from_str(text);
    let read = if text.trim_start().starts_with('{') {
        reader.deserialize_map(Fields { level, fields })
    } else {
        reader.deserialize_ignored_any(IgnoredAny).map(drop)
    };
    read.and_then(|()| reader.end()).is_ok()
}

/// The value of a field, as far as it is read.
fn reduce(raw: &str, below: Option<Level>) -> Value {
    match (raw.as_bytes().first(), below) {
        (Some(b'"'), _) => {
            let text = Deserializer::from_str(raw).deserialize_bytes(Text);
            text.map_or(Value::Null, |text| Value::String(text.into_owned()))
        }
        (Some(b'-' | b'0'..=b'9'), _) => Value::String(raw.to_owned()),
        (Some(b'{'), Some(level)) => {
            let mut fields = Map::new();
            collect(raw, level, &mut fields);
            Value::Object(fields)
        }
        (Some(b'['), Some(level)) => {
            let elements = Deserializer::from_str(raw).deserialize_seq(Elements(level));
            elements.map_or(Value::Null, Value::Array)
        }
        _ => Value::Null,
    }
}

/// Collects the fields of an object, the last one of a name, and keeps them if an error follows.
struct Fields<'f> {
    level: Level,
    fields: &'f mut Map<String, Value>,
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            if self.level.reads(&name) {
                let value: &RawValue = map.next_value()?;
                let value = reduce(value.get(), self.level.below(&name));
                self.fields.insert(name.into_owned(), value);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The objects of an array that have any of the fields that are read.
struct Elements(Level);

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<Value>, A::Error> {
        let mut read = Vec::new();
        while let Some(element) = elements.next_element::<&RawValue>()? {
            let mut fields = Map::new();
            collect(element.get(), self.0, &mut fields);
            if !fields.is_empty() {
                read.push(Value::Object(fields));
            }
        }
        Ok(read)
    }
}

/// A JSON string. Read as bytes, because serde_json rejects a lone surrogate in a `str`.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(String::from_utf8_lossy(bytes))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> (Value, bool) {
        let body = Body::read(text.as_bytes());
        (body.value, body.is_json)
    }

    #[test]
    fn nothing_in_an_unread_field_hides_the_others() {
        let deep_array = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let deep_object = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        let expected = json!({"event_type": "t", "event_data": {"video_id": "v1"}});
        for odd in [r#""cut \ud83d""#, "1e400", "-1e-999999", r#"{"\ud83d": 1}"#, &deep_array, &deep_object] {
            for data in
                [format!(r#"{{"title":{odd},"video_id":"v1"}}"#), format!(r#"{{"video_id":"v1","title":{odd}}}"#)]
            {
                let body = format!(r#"{{"odd":{odd},"event_type":"t","event_data":{data}}}"#);
                assert_eq!(read(&body), (expected.clone(), true), "{}", &odd[..odd.len().min(40)]);
            }
        }
    }

    #[test]
    fn what_the_other_modules_look_for_is_decoded() {
        let links = crate::links::SPELLINGS.iter().flat_map(|(_, spellings)| *spellings);
        let failures = ["failure_code", "error_code", "failure_message", "error_message", "message", "msg", "error"];
        let others = ["callback_id", "output_language", "clips", "url", "id"];
        let names = crate::entity_id::NAMES.iter().chain(links).chain(&failures).chain(&others);
        let undecoded: Vec<_> = names.filter(|name| !Level::Data.reads(name)).collect();
        assert!(undecoded.is_empty(), "Level::reads leaves out {undecoded:?}");
    }

    #[test]
    fn an_odd_name_hides_no_field() {
        for name in [r"\ud83d", "", r"\u0000", "événement", "event_type "] {
            let body = format!(r#"{{"{name}":1,"event_type":"t","event_data":{{"{name}":{{}},"video_id":"v1"}}}}"#);
            assert_eq!(read(&body), (json!({"event_type": "t", "event_data": {"video_id": "v1"}}), true), "{name}");
        }
    }

    #[test]
    fn an_odd_value_in_a_field_that_is_read_is_read_as_far_as_possible() {
        let data = |field: &str| read(&format!(r#"{{"event_data":{{{field}}}}}"#)).0["event_data"].take();
        assert_eq!(data(r#""id":18446744073709551617"#), json!({"id": "18446744073709551617"}));
        assert_eq!(data(r#""id":1e400"#), json!({"id": "1e400"}));
        assert_eq!(data(r#""id":"a\ud83d\u0041\u00e9""#), json!({"id": "a\u{fffd}\u{fffd}\u{fffd}Aé"}));
        assert_eq!(data(r#""id":"first","id":"last""#), json!({"id": "last"}));
        assert_eq!(data(r#""id":{"a":[1]},"url":[true],"error":7"#), json!({"id": null, "url": null, "error": "7"}));
        let error = data(r#""error":{"code":7,"message":"m","detail":{"a":1}}"#);
        assert_eq!(error, json!({"error": {"code": "7", "message": "m"}}));
        let clips = data(r#""clips":[{"id":"c","video_url":"u","title":"t"},7,{"title":"t"}]"#);
        assert_eq!(clips, json!({"clips": [{"id": "c", "video_url": "u"}]}));
    }

    #[test]
    fn a_byte_order_mark_and_bytes_that_are_not_utf_8_do_not_matter() {
        let body = Body::read(b"\xef\xbb\xbf{\"event_type\":\"t\",\"title\":\"\xff\"}");
        assert_eq!((body.value, body.is_json), (json!({"event_type": "t"}), true));
    }

    #[test]
    fn a_body_that_breaks_off_is_read_until_there() {
        let whole = r#"{"event_type":"t","event_data":{"callback_id":"c","video_id":"v","title":"x"}}"#;
        for end in whole.find("\"title\"").unwrap()..whole.len() {
            let expected = json!({"event_type": "t", "event_data": {"callback_id": "c", "video_id": "v"}});
            assert_eq!(read(&whole[..end]), (expected, false), "{}", &whole[..end]);
        }
        for wrong in ["\"a\nb\"", r#""\q""#, "tru", "'x'"] {
            let body = format!(r#"{{"event_data":{{"callback_id":"c","title":{wrong},"id":1}},"event_type":"t"}}"#);
            assert_eq!(read(&body), (json!({"event_data": {"callback_id": "c"}}), false), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_an_object_has_no_fields() {
        for (text, is_json) in
            [("", false), ("x", false), ("7 7", false), ("[]", true), ("7", true), ("\"\\ud83d\"", true)]
        {
            assert_eq!(read(text), (json!({}), is_json), "{text}");
        }
        assert_eq!(read(r#" {"event_data": "x", "a": {}} "#), (json!({"event_data": "x"}), true));
    }
}
