//! A page of a platform's list of jobs, as its API answers it.

use std::fmt;

use serde_json::value::RawValue;

use crate::fields::Fields;
use crate::pick::{decoded, elements, pick};

/// A page.
#[derive(Debug, Default)]
pub struct Page {
    /// In the platform's order.
    pub elements: Vec<Element>,
    /// How many elements are none that could be read: no object, or one without an id.
    pub unreadable: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// One job. `Debug` shows neither the callback URL, which is a credential, nor the answer.
pub struct Element {
    /// The kind of the job, with its platform: `did.talk`.
    pub kind: String,
    /// The platform's id.
    pub entity_id: String,
    /// The caller's own value, if the platform repeats one.
    pub callback_id: Option<String>,
    /// The URL that the platform was to call, if it says so.
    pub callback_url: Option<String>,
    /// When it was created, in Unix seconds, if the platform says so.
    pub created: Option<i64>,
    /// What the platform says of it, as it came: the same as if it were asked for this job.
    pub answer: Box<RawValue>,
}

impl Page {
    /// Reads the array `name`: `read` makes an element of the fields at `paths` and the undecoded object. `None` if the body
    /// has no such array, so that a broken page is not taken for the last one. Nothing in another field hides an element.
    pub fn read(
        body: &[u8],
        name: &str,
        paths: &[&str],
        read: impl Fn(Fields<'_>, Box<RawValue>) -> Option<Element>,
    ) -> Option<Self> {
        let text = decoded(body);
        let mut page = Self::default();
        for element in elements(&text, name)? {
            let fields = pick(element, paths).fields;
            let answer = serde_json::from_str(element).ok();
            match answer.and_then(|answer| read(Fields::from(&fields), answer)) {
                Some(element) => page.elements.push(element),
                None => page.unreadable += 1,
            }
        }
        Some(page)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, entity_id, callback_id, created, .. } = self;
        let mut shown = f.debug_struct("Element");
        shown.field("kind", kind).field("entity_id", entity_id).field("callback_id", callback_id);
        shown.field("created", created).finish_non_exhaustive()
    }
}

/// Makes a cursor, which is any text, a value of a query: it must not add to the request.
pub fn encoded(cursor: &str) -> String {
    let encode = |byte: u8| match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    cursor.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Option<Page> {
        Page::read(body.as_bytes(), "jobs", &["id", "url"], |fields, answer| {
            Some(Element {
                kind: "did.talk".to_owned(),
                entity_id: fields.text("id")?,
                callback_id: None,
                callback_url: fields.text("url"),
                created: None,
                answer,
            })
        })
    }

    #[test]
    fn one_bad_element_of_a_page_hides_no_other() {
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let odd = format!(r#"{{"id": 7, "x": {deep},  "y": "\ud83d", "z": 1e400}}"#);
        let body =
            format!(r#"{{"n": 1e400, "jobs": [{{"id": "a"}}, null, "x", [], {{"id": ""}}, {odd}, {{"id": []}}]}}"#);
        let page = page(&body).unwrap();
        let read: Vec<_> = page.elements.iter().map(|one| (one.entity_id.as_str(), one.answer.get())).collect();
        assert_eq!(read, [("a", r#"{"id": "a"}"#), ("7", odd.as_str())], "an answer is kept as it came");
        assert_eq!(page.unreadable, 5);
    }

    #[test]
    fn what_is_no_page_is_not_taken_for_the_last_one() {
        for body in ["", "[]", "{}", r#"{"jobs": {}}"#, "no JSON", r#"{"jobs": [{"id": "a"}, {"id""#] {
            assert!(page(body).is_none(), "{body}");
        }
        assert!(page(r#"{"jobs": []}"#).unwrap().elements.is_empty());
    }

    #[test]
    fn debug_shows_neither_the_callback_url_nor_the_answer() {
        let shown = format!("{:?}", page(r#"{"jobs": [{"id": "a", "url": "https://canary-token"}]}"#));
        assert!(shown.contains("did.talk") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_cursor_stays_a_cursor() {
        assert_eq!(encoded("a+/=&x#é-._~"), "a%2B%2F%3D%26x%23%C3%A9-._~");
    }
}
