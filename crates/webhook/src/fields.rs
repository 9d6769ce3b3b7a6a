//! Lenient reading of JSON: a field of an unexpected type counts as absent.

use serde_json::{Map, Value};

/// The fields of an object; any other value has no fields.
#[derive(Clone, Copy)]
pub struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> From<&'a Map<String, Value>> for Fields<'a> {
    fn from(fields: &'a Map<String, Value>) -> Self {
        Self(Some(fields))
    }
}

impl<'a> Fields<'a> {
    /// Of any value.
    pub fn of(value: Option<&'a Value>) -> Self {
        Self(value.and_then(Value::as_object))
    }

    /// The field as it is.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0?.get(name)
    }

    /// The fields of a nested object.
    pub fn object(self, name: &str) -> Self {
        Self::of(self.get(name))
    }

    /// A string or a number. Platforms write `""` for null, and an id may be a number.
    pub fn text(self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A link of http or https. One of any other scheme would be unsafe to follow, and is not one to a result.
    pub fn link(self, name: &str) -> Option<String> {
        self.text(name).filter(|text| is_link(text))
    }

    /// The length of a result, given in seconds.
    pub fn whole_seconds(self, name: &str) -> Option<u32> {
        let seconds = self.text(name)?.parse::<f64>().ok().filter(|seconds| (0.0..=1e6).contains(seconds))?;
        // No longer than 12 days, so nothing is lost but the fraction.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Some(seconds.round() as u32)
    }

    /// The first of `names` that is a text.
    pub fn first_text(self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }
}

/// Whether a text is a link of http or https.
pub fn is_link(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_and_null_and_absent_are_the_same() {
        let value = json!({"empty": "", "null": null, "list": [], "map": {}, "flag": true});
        let fields = Fields::of(Some(&value));
        for name in ["empty", "null", "list", "map", "flag", "absent"] {
            assert_eq!(fields.text(name), None, "{name}");
        }
    }

    #[test]
    fn a_number_is_a_text() {
        let value = json!({"id": 9_007_199_254_740_993_u64});
        assert_eq!(Fields::of(Some(&value)).text("id").unwrap(), "9007199254740993");
    }

    #[test]
    fn only_a_length_in_seconds_is_one() {
        for (given, expected) in [
            (json!(12.5), Some(13)),
            (json!("61"), Some(61)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(1e300), None),
            (json!("long"), None),
            (json!("NaN"), None),
            (json!([1]), None),
        ] {
            assert_eq!(Fields::of(Some(&json!({"duration": given}))).whole_seconds("duration"), expected, "{given}");
        }
    }

    #[test]
    fn only_http_links_count() {
        let value =
            json!({"a": "https://x.invalid", "b": "http://x.invalid", "c": "s3://x", "d": "javascript:x", "e": 7});
        let found = ["a", "b", "c", "d", "e"].map(|name| Fields::of(Some(&value)).link(name).is_some());
        assert_eq!(found, [true, true, false, false, false]);
    }

    #[test]
    fn the_first_text_skips_what_is_not_one() {
        let value = json!({"a": "", "b": {"x": 1}, "c": "found", "d": "late"});
        let found = Fields::of(Some(&value)).first_text(&["a", "b", "c", "d"]);
        assert_eq!(found.unwrap(), "found");
    }

    #[test]
    fn what_is_not_an_object_has_no_fields() {
        for value in [json!([1]), json!("text"), json!(null), json!(7)] {
            assert_eq!(Fields::of(Some(&value)).text("id"), None);
            assert_eq!(Fields::of(Some(&value)).object("data").text("id"), None);
        }
    }
}
