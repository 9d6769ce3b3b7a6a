//! JSON that may be anything, and texts that may be.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// What a platform's bodies consist of, so that arbitrary JSON reaches the code that reads it.
#[derive(Clone, Copy)]
pub struct Vocabulary {
    /// Field names that mean something.
    pub fields: &'static [&'static str],
    /// Lists of texts that mean something.
    pub texts: &'static [&'static [&'static str]],
}

impl Vocabulary {
    /// A text that means something, may be a link, or is arbitrary.
    pub fn text(self) -> impl Strategy<Value = String> {
        prop_oneof![3 => select(self.texts.concat()).prop_map(str::to_owned), 1 => "https?://.*", 1 => ".*"]
    }

    fn field(self) -> impl Strategy<Value = String> {
        prop_oneof![4 => select(self.fields).prop_map(str::to_owned), 1 => ".*"]
    }

    /// Any JSON.
    pub fn any_json(self) -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            1 => Just(Value::Null),
            1 => any::<bool>().prop_map(Value::from),
            1 => any::<i64>().prop_map(Value::from),
            1 => any::<f64>().prop_map(Value::from),
            4 => self.text().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                btree_map(self.field(), inner, 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }
}

/// JSON text, some of which serde_json reads as no [`Value`]; some is deep in lists, or in objects of these fields.
pub fn odd_value(nested_in: &'static [&'static str]) -> impl Strategy<Value = String> {
    let pairs = nested_in.iter().map(|name| (format!(r#"{{"{name}":"#), "}")).chain([("[".to_owned(), "]")]);
    let nested = (select(pairs.collect::<Vec<_>>()), 0..50_000_usize);
    prop_oneof![
        select(
            &[
                r#""\ud83d""#,
                r#""\udc00\ud83d""#,
                "1e400",
                "-1e-400",
                "null",
                "true",
                r#""\u0000""#,
                r#""}""#,
                r#"{"\udc00":[]}"#
            ][..]
        )
        .prop_map(str::to_owned),
        ".*".prop_map(|text| json!(text).to_string()),
        "-?[1-9][0-9]{0,400}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,9})?",
        nested.prop_map(|((open, close), depth)| format!("{}0{}", open.repeat(depth), close.repeat(depth))),
    ]
}

/// A text like an id, of the characters that could lead a request elsewhere.
pub fn odd_id() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "v1",
        "/",
        "..",
        "%2e",
        "%2F",
        "?",
        "#",
        "@",
        ":",
        "//",
        "\\",
        ";",
        "&",
        " ",
        "\n",
        "\0",
        "evil.invalid",
        "é",
        "%",
    ];
    prop_oneof![vec(select(PARTS), 0..6).prop_map(|parts| parts.concat()), "[A-Za-z0-9_-]{1,140}", ".*"]
}
