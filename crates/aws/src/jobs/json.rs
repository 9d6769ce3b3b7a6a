//! DynamoDB's items as plain JSON.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Number, Value};
use std::collections::HashMap;

/// An item, with its numbers as numbers, its sets as arrays and its bytes as base64.
pub fn to_json(item: HashMap<String, AttributeValue>) -> Value {
    Value::Object(item.into_iter().map(|(name, value)| (name, plain(value))).collect::<Map<_, _>>())
}

fn plain(value: AttributeValue) -> Value {
    use base64::Engine;
    let base64 = |bytes: &[u8]| Value::String(base64::engine::general_purpose::STANDARD.encode(bytes));
    let number = |text: &str| text.parse::<Number>().map_or_else(|_| Value::String(text.to_owned()), Value::Number);
    match value {
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::N(text) => number(&text),
        AttributeValue::Bool(value) => Value::Bool(value),
        AttributeValue::B(bytes) => base64(bytes.as_ref()),
        AttributeValue::M(map) => to_json(map),
        AttributeValue::L(list) => list.into_iter().map(plain).collect(),
        AttributeValue::Ss(texts) => texts.into_iter().map(Value::String).collect(),
        AttributeValue::Ns(texts) => texts.iter().map(|text| number(text)).collect(),
        AttributeValue::Bs(all) => all.iter().map(|bytes| base64(bytes.as_ref())).collect(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_becomes_the_json_that_one_would_write() {
        let item = HashMap::from([
            ("text".to_owned(), AttributeValue::S("a".to_owned())),
            ("number".to_owned(), AttributeValue::N("1763697600".to_owned())),
            ("map".to_owned(), AttributeValue::M(HashMap::from([("b".to_owned(), AttributeValue::Bool(true))]))),
        ]);
        assert_eq!(to_json(item), json!({ "text": "a", "number": 1_763_697_600, "map": { "b": true } }));
    }
}
