//! Objects as JSON text, for bodies that no serializer would write.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::json::{Vocabulary, odd_value};

/// A name without its quotes, and a value, both as JSON text.
pub type Field = (String, String);

/// The object of these fields.
pub fn object(fields: &[Field]) -> String {
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    format!("{{{}}}", fields.join(","))
}

/// Fields of these texts.
pub fn owned<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Field> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Up to two fields that are not read, of these names or of others that resemble ones that are.
pub fn odd_fields(names: &'static [&'static str], vocabulary: Vocabulary) -> impl Strategy<Value = Vec<Field>> {
    const NAMES: &[&str] = &[r"\ud83d", "", r"\u0000", "title", "event", "type ", "ID", "data.id", "odd"];
    let name = select([NAMES, names].concat()).prop_map(str::to_owned);
    let value = prop_oneof![2 => odd_value(&["id"]), 1 => vocabulary.any_json().prop_map(|value| value.to_string())];
    vec((name, value), 0..3)
}

/// A body of the fields `top` and, in its field `data`, of `data`; and one that has the odd fields as well, in any order.
pub fn plain_and_odd(
    top: Vec<Field>,
    data: Vec<Field>,
    [odd_top, odd_data]: [Vec<Field>; 2],
) -> impl Strategy<Value = (String, String)> {
    let body = |mut top: Vec<Field>, data: &[Field]| {
        top.push(("data".to_owned(), object(data)));
        top
    };
    let plain = object(&body(top.clone(), &data));
    let data = Just([data, odd_data].concat()).prop_shuffle();
    let odd = data.prop_flat_map(move |data| Just(body([&top[..], &odd_top].concat(), &data)).prop_shuffle());
    (Just(plain), odd.prop_map(|fields| object(&fields)))
}
