//! JSON that says the same in other bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{Read, authentic};

/// What a link begins with that is signed anew each time.
pub const LINK: &str = "https://files.example.invalid/";

/// JSON that has a canonical form.
pub fn exact_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 8.0)),
        any::<i32>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "[a-z]{0,9}".prop_map(|path| json!(format!("{LINK}{path}"))),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let fields = vec((".*", inner.clone()), 0..6).prop_map(|fields| Value::Object(Map::from_iter(fields)));
        prop_oneof![vec(inner, 0..6).prop_map(Value::from), fields]
    })
}

/// The value with its fields in a random order, random white space, and random signatures of its links.
fn rewritten(value: &Value, random: &mut fastrand::Rng) -> String {
    let space = |random: &mut fastrand::Rng| [" ", "\n", "\t", "\r", ""][random.usize(..5)];
    let joined = |mut parts: Vec<String>, random: &mut fastrand::Rng| {
        for part in &mut parts {
            *part = format!("{}{part}{}", space(random), space(random));
        }
        parts.join(",")
    };
    match value {
        Value::Array(values) => {
            let values = values.iter().map(|value| rewritten(value, random)).collect();
            format!("[{}]", joined(values, random))
        }
        Value::Object(fields) => {
            let field = |(name, value)| format!("{}{}: {}", json!(name), space(random), rewritten(value, random));
            let mut fields: Vec<_> = fields.iter().map(field).collect();
            random.shuffle(&mut fields);
            format!("{{{}}}", joined(fields, random))
        }
        Value::String(text) if text.starts_with(LINK) => {
            json!(format!("{text}?signature={}", random.u64(..))).to_string()
        }
        other => other.to_string(),
    }
}

/// The event is the same in other bytes, and another one with other content in the field `data.content`.
///
/// # Errors
///
/// The property that does not hold.
pub fn only_content_counts(read: Read, event: &Value, data: &str, seeds: [u64; 2]) -> Result<(), TestCaseError> {
    let identity =
        |event: &Value, seed| read(&authentic(rewritten(event, &mut fastrand::Rng::with_seed(seed)))).identity;
    prop_assert_eq!(identity(event, seeds[0]), identity(event, seeds[1]));
    let mut other = event.clone();
    other[data]["content"] = json!([event[data]["content"]]);
    prop_assert_ne!(identity(event, seeds[0]), identity(&other, seeds[0]));
    Ok(())
}
