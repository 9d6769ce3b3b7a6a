//! Which of HeyGen's endpoints are ours: those whose URL leads to this deployment.

use aws::endpoints::{PATH, names};

/// In characters, as the parameter `Endpoints` allows.
const LONGEST_NAME: usize = 40;

/// Where this deployment receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The API's own URL first, then the public one if there is one; without a trailing slash.
    urls: Vec<String>,
    names: Vec<String>,
}

impl Deployment {
    /// `public_url` is another URL that leads to the API, and that HeyGen should use instead; `endpoints` are
    /// comma-separated names.
    pub fn new(api_url: &str, public_url: Option<&str>, endpoints: &str) -> Self {
        let urls = [Some(api_url), public_url].into_iter().flatten().map(|url| url.trim_end_matches('/').to_owned());
        Deployment { urls: urls.collect(), names: names(endpoints) }
    }

    /// The same deployment with other endpoints: comma-separated names.
    pub(crate) fn with_names(&self, endpoints: &str) -> Self {
        Deployment { urls: self.urls.clone(), names: names(endpoints) }
    }

    /// The names of the endpoints that the receiver serves.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether this may be the name of an endpoint that the receiver served earlier.
    pub(crate) fn has_removed(&self, name: &str) -> bool {
        let is_name = !name.is_empty()
            && name.len() <= LONGEST_NAME
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        is_name && self.names.iter().all(|own| own != name)
    }

    /// Where HeyGen should post an endpoint's deliveries.
    pub fn url_of(&self, name: &str) -> String {
        format!("{}{PATH}{name}", self.url())
    }

    /// The base URL that HeyGen should post to.
    pub fn url(&self) -> &str {
        self.urls.last().map(String::as_str).unwrap_or_default()
    }

    /// The name of the endpoint with this URL; `None` if the URL is not ours.
    pub fn name_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let name = self.urls.iter().find_map(|own| strip_prefix_of_url(url, own)?.strip_prefix(PATH))?;
        Some(name.trim_end_matches('/'))
    }
}

/// Scheme and host are compared ignoring case, the path is not.
fn strip_prefix_of_url<'a>(url: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = url.split_at_checked(prefix.len())?;
    let host_end = prefix.find("://").and_then(|at| Some(at + 3 + prefix[at + 3..].find('/')?)).unwrap_or(prefix.len());
    let same = start.get(..host_end)?.eq_ignore_ascii_case(&prefix[..host_end])
        && start.get(host_end..)? == &prefix[host_end..];
    same.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_a_name_and_is_none_now_was_removed() {
        let deployment = Deployment::new("https://abc.execute-api.invalid", None, "main");
        for (name, removed) in [("old", true), ("main", false), ("", false), ("Old", false), ("old/key", false)] {
            assert_eq!(deployment.has_removed(name), removed, "{name}");
        }
        assert!(!deployment.has_removed(&"a".repeat(41)));
    }

    #[test]
    fn ours_is_what_leads_here_and_nothing_else() {
        let ours = Deployment::new(
            "https://abc.execute-api.invalid/",
            Some("https://hooks.team.invalid/heygen"),
            "main, second,",
        );
        assert_eq!(ours.names(), ["main", "second"]);
        assert_eq!(ours.url_of("main"), "https://hooks.team.invalid/heygen/webhooks/heygen/main");
        for (url, name) in [
            ("https://abc.execute-api.invalid/webhooks/heygen/main", Some("main")),
            ("HTTPS://ABC.execute-api.invalid/webhooks/heygen/main/", Some("main")),
            ("https://hooks.team.invalid/heygen/webhooks/heygen/old", Some("old")),
            ("https://hooks.team.invalid/HEYGEN/webhooks/heygen/old", None),
            ("https://hooks.team.invalid/webhooks/heygen/main", None),
            ("https://abc.execute-api.invalid.evil.invalid/webhooks/heygen/main", None),
            ("https://abc.execute-api.invalid", None),
            ("https://def.execute-api.invalid/webhooks/heygen/main", None),
            ("http://abc.execute-api.invalid/webhooks/heygen/main", None),
            ("", None),
        ] {
            assert_eq!(ours.name_of(url), name, "{url}");
        }
    }
}
