//! The fields of a body that are read, chosen by their paths. Nothing in another field hides them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::json::{each_element, each_field, text};

/// What was found in a body.
#[derive(Debug, Default)]
pub struct Picked {
    /// The fields, in objects within objects like the body's. A text or a number is a text, any other value is null.
    pub fields: Map<String, Value>,
    /// Whether the body is JSON from its beginning to its end.
    pub is_json: bool,
}

/// The text of a body. A byte order mark is skipped, and bytes that are not UTF-8 become U+FFFD.
pub fn decoded(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

/// The fields at `paths`, such as `type` or `data.captions.srt`. A path of a field that may be a text or an object, such
/// as `error`, may stand beside paths into it, such as `error.code`.
///
/// Of a text that is not JSON the fields before the first error are read. Memory is in proportion to the text, as there are
/// no more fields than paths.
pub fn pick(text: &str, paths: &[&str]) -> Picked {
    let mut fields = Map::new();
    let is_json = each_field(
        text,
        |name| below(paths, name).next().is_some(),
        |name, value| {
            fields.insert(name.to_owned(), reduced(value, &below(paths, name).collect::<Vec<_>>()));
        },
    );
    if !is_json {
        for (name, value) in cut_off(text, paths, &fields) {
            fields.insert(name.to_owned(), value);
        }
    }
    Picked { fields, is_json }
}

/// The undecoded value at a path.
pub fn raw<'t>(text: &'t str, path: &[&str]) -> Option<&'t str> {
    let [first, rest @ ..] = path else { return Some(text) };
    let mut found = None;
    each_field(text, |name| name == *first, |_, value| found = Some(value));
    raw(found?, rest)
}

/// The undecoded elements of the list `name`, one page of an API's answer; `None` if the text has no such list, so that a
/// broken page is not taken for an empty one.
pub fn elements<'t>(text: &'t str, name: &str) -> Option<Vec<&'t str>> {
    let mut list = None;
    let is_json = each_field(text, |field| field == name, |_, value| list = Some(value));
    let list = list.filter(|list| is_json && list.starts_with('['))?;
    let mut elements = Vec::new();
    each_element(list, |element| elements.push(element));
    Some(elements)
}

/// What is left of the paths that begin with `name`. Nothing is left of the path of the field itself.
fn below<'p>(paths: &[&'p str], name: &str) -> impl Iterator<Item = &'p str> {
    paths.iter().filter_map(move |path| match path.split_once('.') {
        Some((first, rest)) => (first == name).then_some(rest),
        None => (*path == name).then_some(""),
    })
}

fn reduced(value: &str, paths: &[&str]) -> Value {
    let inner: Vec<&str> = paths.iter().copied().filter(|path| !path.is_empty()).collect();
    if value.starts_with('{') && !inner.is_empty() {
        return Value::Object(pick(value, &inner).fields);
    }
    match inner.len() < paths.len() {
        true => text(value).into(),
        false => Value::Null,
    }
}

/// The objects at the top in which a text that is not JSON may break off.
fn cut_off<'p>(text: &str, paths: &[&'p str], found: &Map<String, Value>) -> Vec<(&'p str, Value)> {
    let nested = paths.iter().filter_map(|path| Some(path.split_once('.')?.0));
    let mut names: Vec<&str> = nested.filter(|name| !found.contains_key(*name)).collect();
    names.dedup();
    let value = |name: &str| {
        let (_, after) = text.split_once(&format!("\"{name}\""))?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        Some(reduced(value, &below(paths, name).collect::<Vec<_>>()))
    };
    names.into_iter().filter_map(|name| Some((name, value(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PATHS: &[&str] = &["type", "data.id", "data.captions.srt", "data.error", "data.error.code"];

    fn fields(text: &str) -> (Value, bool) {
        let Picked { fields, is_json } = pick(text, PATHS);
        (fields.into(), is_json)
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let body = r#"{"type": "t", "id": 1, "data": {"id": 7, "type": "x", "captions": {"srt": "s", "vtt": "v"}, "title": []}}"#;
        assert_eq!(fields(body), (json!({"type": "t", "data": {"id": "7", "captions": {"srt": "s"}}}), true));
    }

    #[test]
    fn a_field_may_be_a_text_or_an_object() {
        for (error, expected) in [
            (r#"{"code": "c", "message": "m"}"#, json!({"code": "c"})),
            (r#""why""#, json!("why")),
            ("7", json!("7")),
            ("[1]", json!(null)),
        ] {
            assert_eq!(fields(&format!(r#"{{"data": {{"error": {error}}}}}"#)).0["data"]["error"], expected);
        }
        assert_eq!(fields(r#"{"data": {"captions": "text"}, "type": {}}"#).0["data"], json!({"captions": null}));
    }

    #[test]
    fn nothing_in_another_field_hides_one() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for odd in [r#""\ud83d""#, "1e400", r#"{"\ud83d": 1}"#, &deep] {
            let body = format!(r#"{{"odd": {odd}, "data": {{"odd": {odd}, "id": "v", "\ud83d": 1}}, "type": "t"}}"#);
            assert_eq!(fields(&body), (json!({"data": {"id": "v"}, "type": "t"}), true), "{}", &odd[..8]);
        }
    }

    #[test]
    fn a_text_that_breaks_off_is_read_until_there() {
        let whole = r#"{"type": "t", "data": {"id": "v", "captions": {"srt": "s"}, "title": "x"}}"#;
        for end in whole.find("\"title\"").unwrap()..whole.len() {
            let expected = json!({"type": "t", "data": {"id": "v", "captions": {"srt": "s"}}});
            assert_eq!(fields(&whole[..end]), (expected, false), "{}", &whole[..end]);
        }
        assert_eq!(fields(r#"{"data""#), (json!({}), false));
        assert_eq!(fields(""), (json!({}), false));
    }

    #[test]
    fn a_raw_value_is_found_at_its_path() {
        let body = r#"{"data": {"outputs": {"a": [1e400]}}, "outputs": 1}"#;
        assert_eq!(raw(body, &["data", "outputs"]), Some(r#"{"a": [1e400]}"#));
        assert_eq!(raw(body, &["data", "none"]), None);
        assert_eq!(raw(body, &["outputs", "data"]), None);
    }

    #[test]
    fn a_byte_order_mark_and_bytes_that_are_not_utf_8_do_not_matter() {
        let text = decoded(b"\xef\xbb\xbf{\"type\": \"\xff\"}");
        assert_eq!(fields(&text), (json!({"type": "\u{fffd}"}), true));
    }

    #[test]
    fn one_odd_element_of_a_list_hides_no_other() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let odd = format!(r#"{{"id": 7, "x": {deep}}}"#);
        let page = format!(r#"{{"odd": 1e400, "videos": [{{"n": 1}}, null, "x", {odd}, {{"title": "\ud83d"}}]}}"#);
        let expected = [r#"{"n": 1}"#, "null", r#""x""#, odd.as_str(), r#"{"title": "\ud83d"}"#];
        assert_eq!(elements(&page, "videos"), Some(expected.to_vec()));
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_an_empty_one() {
        assert_eq!(elements(r#"{"videos": []}"#, "videos"), Some(Vec::new()));
        for page in
            ["", "[]", "{}", r#"{"videos": {}}"#, "no JSON", r#"{"videos": [{"id": "a"}], "x"#, r#"{"videos": [{"id""#]
        {
            assert_eq!(elements(page, "videos"), None, "{page}");
        }
    }
}
