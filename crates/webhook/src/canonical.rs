//! The canonical form of a body, which white space, the order of fields and fresh signatures do not change.

use serde_json::{Number, Value};

/// Up to here every whole number is one double of its own, which is what RFC 8785 writes numbers as.
const LARGEST_EXACT: u64 = 1 << 53;

/// The longest body, in bytes, that has a canonical form. Sorting a body of many small objects takes a
/// hundred times its length in memory. The longest sample has 20 KB.
const LONGEST: usize = 128 * 1024;

/// The body in the form of RFC 8785, with its links cut before their query.
///
/// `None` where that form does not exist, would be the same for different bodies, or would take too
/// much memory: the body is not JSON, nests deeper than 128 levels, has a number that no double holds
/// exactly, or is longer than 128 KiB.
pub fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() > LONGEST {
        return None;
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    if !simplify(&mut value) {
        return None;
    }
    serde_json_canonicalizer::to_vec(&value).ok()
}

/// Cuts the links. False if there is a number that a double would change.
fn simplify(value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => is_exact(number),
        Value::String(text) => {
            if text.contains("://") {
                *text = without_queries(text);
            }
            true
        }
        Value::Array(values) => values.iter_mut().all(simplify),
        Value::Object(fields) => fields.values_mut().all(simplify),
    }
}

fn is_exact(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(whole), ..) => whole <= LARGEST_EXACT,
        (_, Some(whole), _) => whole.unsigned_abs() <= LARGEST_EXACT,
        (.., Some(fraction)) => fraction.abs() <= LARGEST_EXACT as f64,
        _ => false,
    }
}

/// The text with each link in it cut before its query or fragment. A text may be one link, or HTML with some.
fn without_queries(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let link = &rest[start..];
        let end = link.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(link.len());
        let cut = link[..end].find(['?', '#']).unwrap_or(end);
        kept.push_str(&rest[..start + cut]);
        rest = &link[end..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> Option<String> {
        canonical(body.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn white_space_order_and_fresh_signatures_do_not_matter() {
        let one = r#"{"b": [1.0, "https://x.invalid/a?sig=1#t"], "a": "<img src=\"https://x.invalid/b?s=1\"> https://y.invalid/c"}"#;
        let other =
            r#"{"a":"<img src=\"https://x.invalid/b?s=2&t=3\"> https://y.invalid/c","b":[1,"https://x.invalid/a"]}"#;
        assert_eq!(text(one), text(other));
        assert_eq!(
            text(one).unwrap(),
            r#"{"a":"<img src=\"https://x.invalid/b\"> https://y.invalid/c","b":[1,"https://x.invalid/a"]}"#
        );
    }

    #[test]
    fn what_says_something_else_has_another_form() {
        let bodies =
            [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":"1"}"#, r#"{"a":"what?"}"#, r#"{"a":"what"}"#, "[1]", "[]", "null"];
        let forms: std::collections::BTreeSet<_> = bodies.iter().map(|body| text(body).unwrap()).collect();
        assert_eq!(forms.len(), bodies.len());
    }

    #[test]
    fn a_body_that_is_too_long_to_be_sorted_has_no_form() {
        let body = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(text(&body(LONGEST)).is_some());
        assert_eq!(text(&body(LONGEST + 1)), None);
    }

    #[test]
    fn numbers_that_a_double_would_change_have_no_form() {
        for exact in ["0", "-1.5", "9007199254740992", "-9007199254740992", "1e3"] {
            assert!(text(exact).is_some(), "{exact}");
        }
        for changed in ["9007199254740993", "-9007199254740993", "18446744073709551617", "1e300", "1e400"] {
            assert_eq!(text(changed), None, "{changed}");
        }
        assert_eq!(text("not json"), None);
        assert_eq!(text(&format!("{}{}", "[".repeat(200), "]".repeat(200))), None);
    }
}
