//! Strict reading of the fields of a create call, of which a job keeps all.

use crate::rejection::Rejection;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

pub(crate) type Fields = Map<String, Value>;

/// Checks the names of the fields. Null counts as absent.
pub(crate) fn check(fields: &Fields, required: &[&'static str], optional: &[&str]) -> Result<(), Rejection> {
    if let Some(missing) = required.iter().find(|name| fields.get(**name).is_none_or(Value::is_null)) {
        return Err(Rejection::invalid(missing, format!("{missing} is required")));
    }
    match fields.keys().find(|name| !required.contains(&name.as_str()) && !optional.contains(&name.as_str())) {
        Some(unknown) => Err(Rejection::invalid("body", format!("unknown field {unknown:?}"))),
        None => Ok(()),
    }
}

/// The text of a field, if it is there.
pub(crate) fn text(fields: &Fields, name: &'static str) -> Result<Option<String>, Rejection> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Rejection::invalid(name, format!("{name} must be a string"))),
    }
}

/// A number of a query, if it is there.
pub(crate) fn within(
    number: Option<usize>,
    name: &'static str,
    range: RangeInclusive<usize>,
    default: usize,
) -> Result<usize, Rejection> {
    let number = number.unwrap_or(default);
    match range.contains(&number) {
        true => Ok(number),
        false => Err(Rejection::invalid(name, format!("{name} must be between {} and {}", range.start(), range.end()))),
    }
}
