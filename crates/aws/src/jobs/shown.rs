//! Links and texts of a record, as people may see them.

/// Host and path of a link, without what gives access to the result.
pub fn without_query(link: &str) -> String {
    let link = link.split_once("://").map_or(link, |(_, rest)| rest);
    let link = link.split(['?', '#']).next().unwrap_or_default();
    // The host may be preceded by a user and a password.
    let (host, path) = link.split_once('/').map_or((link, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or(host);
    path.map_or_else(|| host.to_owned(), |path| format!("{host}/{path}"))
}

/// A text from outside, whose control characters must not reach a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The reason of a failure, which may quote a link: a file that HeyGen could not fetch.
pub fn without_queries(text: &str) -> String {
    let word = |word: &str| if word.contains("://") { without_query(word) } else { word.to_owned() };
    text.split_inclusive(char::is_whitespace)
        .map(|part| {
            let text = part.trim_end();
            format!("{}{}", word(text), &part[text.len()..])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_shown_without_its_credentials() {
        assert_eq!(
            without_query("https://files.example.invalid/a/b.mp4?Signature=x#y"),
            "files.example.invalid/a/b.mp4"
        );
        assert_eq!(without_query("https://user:word@files.example.invalid/a@b"), "files.example.invalid/a@b");
    }

    #[test]
    fn a_link_within_a_text_is_shown_without_its_credentials() {
        let text = "Cannot fetch\n\"https://user:word@files.example.invalid/a.png?Signature=x\", sorry";
        assert_eq!(without_queries(text), "Cannot fetch\nfiles.example.invalid/a.png sorry");
        assert_eq!(without_queries(" No link? None: 1/2  "), " No link? None: 1/2  ");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("order_2\u{1b}[2J\n"), "order_2 [2J ");
    }
}
