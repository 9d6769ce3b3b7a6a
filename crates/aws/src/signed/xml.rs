//! As much of XML as an operation of the query protocol needs that returns attributes. AWS escapes texts, so a tag in its
//! response is a tag.

use std::collections::BTreeMap;

/// The text of the first element with this name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0.trim())
}

/// Of each `<entry><key>…</key><value>…</value></entry>`.
pub(super) fn attributes(xml: &str) -> BTreeMap<String, String> {
    let entries = xml.split("<entry>").skip(1);
    let pair = |entry| Some((element(entry, "key")?.to_owned(), element(entry, "value")?.to_owned()));
    entries.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_and_what_is_cut_is_left_out() {
        let xml = "<R><Attributes>\n<entry>\n<key>A</key>\n<value>1</value>\n</entry><entry><key>B</key><value/></entry>\
                   <entry><key>C</key><value>3";
        assert_eq!(attributes(xml), BTreeMap::from([("A".to_owned(), "1".to_owned())]));
        assert_eq!(element("<E><Code>AuthorizationError</Code></E>", "Code"), Some("AuthorizationError"));
        assert_eq!(element("no XML", "Code"), None);
    }
}
