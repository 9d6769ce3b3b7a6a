//! URLs: compared as RFC 3986 (section 6.2) allows, and shown without what may be a credential.

use url::Url;

/// Whether both lead to the same place. HeyGen may return a URL in another form than the one that it was given.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || normal(a).is_some_and(|a| normal(b) == Some(a))
}

/// The normal form, without a fragment and without slashes at the end of the path; `None` if there is no host.
pub(crate) fn normal(url: &str) -> Option<Url> {
    // The parser normalises the case of scheme and host, the default port, and dot segments.
    let mut url = Url::parse(url).ok().filter(Url::has_host)?;
    url.set_fragment(None);
    let path = decode_unreserved(url.path());
    url.set_path(path.trim_end_matches('/'));
    Some(url)
}

/// Decodes the percent-encoded characters that need no encoding.
fn decode_unreserved(path: &str) -> String {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&part[2..]);
            }
            Some(byte) => decoded.push_str(&format!("%{byte:02X}{}", &part[2..])),
            None => decoded.extend(["%", part]),
        }
    }
    decoded
}

/// Without query, fragment and user information.
pub(crate) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_rfc_3986_calls_equivalent_are_the_same_and_no_others() {
        let url = "https://hooks.team.invalid/a-b/main";
        for other in [
            "HTTPS://Hooks.Team.invalid/a-b/main",
            "https://hooks.team.invalid:443/a-b/main",
            "https://hooks.team.invalid/a-b/main/",
            "https://hooks.team.invalid/a%2Db/%6dain",
            "https://hooks.team.invalid/a-b/x/../main",
            "https://hooks.team.invalid/a-b/main#part",
        ] {
            assert!(same(url, other), "{other}");
        }
        for other in [
            "http://hooks.team.invalid/a-b/main",
            "https://hooks.team.invalid:8443/a-b/main",
            "https://hooks.team.invalid/A-b/main",
            "https://hooks.team.invalid/a-b%2Fmain",
            "https://hooks.team.invalid/a-b/main?x",
            "https://user@hooks.team.invalid/a-b/main",
            "https://hooks.team.invalid.evil.invalid/a-b/main",
            "",
        ] {
            assert!(!same(url, other), "{other}");
        }
        assert!(same("https://h.invalid/%2f%zz", "https://h.invalid/%2F%zz"));
        assert!(!same("https://h.invalid/%2f", "https://h.invalid/"));
    }

    #[test]
    fn a_url_is_shown_without_what_may_be_a_credential() {
        for (url, expected) in [
            ("https://u:p@h.invalid:1/a/b?token=x#y", "https://h.invalid:1/a/b"),
            ("https://h.invalid?token=x", "https://h.invalid"),
            ("https://h.invalid/@a", "https://h.invalid/@a"),
            ("https://a@b@h.invalid", "https://h.invalid"),
            ("h.invalid?token=x", "h.invalid"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
