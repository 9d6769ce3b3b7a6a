//! Lenient reading of JSON text: values stay undecoded until one is asked for.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value};

/// Gives each field that `is_read` to `take`, with its undecoded value, until the end of the object
/// or the first error. False if the text is not JSON.
pub fn each_field<'t>(text: &'t str, is_read: impl Fn(&str) -> bool, take: impl FnMut(&str, &'t str)) -> bool {
    let mut reader = Deserializer::from_str(text);
    let read = if text.trim_start().starts_with('{') {
        reader.deserialize_map(Fields { is_read, take })
    } else {
        reader.deserialize_ignored_any(IgnoredAny).map(drop)
    };
    read.and_then(|()| reader.end()).is_ok()
}

/// Gives each element of an undecoded array to `take`. Any other value has no elements.
pub fn each_element<'t>(value: &'t str, take: impl FnMut(&'t str)) {
    if value.starts_with('[') {
        // An undecoded value is whole, so there is no error.
        let _ = Deserializer::from_str(value).deserialize_seq(Elements(take));
    }
}

/// The fields of an object that `is_read`. A text or a number is a text, and any other value is null. Empty for anything
/// else than an object.
pub fn texts(object: &str, is_read: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut fields = Map::new();
    each_field(object, is_read, |name, value| {
        fields.insert(name.to_owned(), text(value).into());
    });
    fields
}

/// A text, or a number as the text of its digits.
pub fn text(value: &str) -> Option<String> {
    match value.as_bytes().first()? {
        b'"' => Deserializer::from_str(value).deserialize_bytes(Text).ok().map(Cow::into_owned),
        b'-' | b'0'..=b'9' => Some(value.to_owned()),
        _ => None,
    }
}

/// Visits the fields of an object.
struct Fields<R, T> {
    is_read: R,
    take: T,
}

impl<'de, R: Fn(&str) -> bool, T: FnMut(&str, &'de str)> Visitor<'de> for Fields<R, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            if (self.is_read)(&name) {
                let value: &RawValue = map.next_value()?;
                (self.take)(&name, value.get());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Visits the elements of an array.
struct Elements<T>(T);

impl<'de, T: FnMut(&'de str)> Visitor<'de> for Elements<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element::<&RawValue>()? {
            (self.0)(element.get());
        }
        Ok(())
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

    #[test]
    fn what_is_read_is_a_text_or_null_whatever_else_is_there() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let object =
            format!(r#"{{"odd": {deep}, "a": "x", "b": 1e400, "c": [1], "d": null, "lone": "\ud83d", "z": 1}}"#);
        let read = texts(&object, |name| matches!(name, "a" | "b" | "c" | "d" | "lone" | "absent"));
        assert_eq!(
            Value::from(read),
            json!({"a": "x", "b": "1e400", "c": null, "d": null, "lone": "\u{fffd}\u{fffd}\u{fffd}"})
        );
        for other in ["", "[]", "7", "null", "x", r#"["a", "x"]"#] {
            assert!(texts(other, |_| true).is_empty(), "{other}");
        }
    }
}
