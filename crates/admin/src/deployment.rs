//! Where this deployment receives.

use crate::urls;
use aws::endpoints::{PATH, names};

/// In characters, as the parameter `Endpoints` allows.
const LONGEST_NAME: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The API's own URL first, then the public one if there is one; without a trailing slash.
    urls: Vec<String>,
    /// Where the deployment received earlier.
    former_urls: Vec<String>,
    names: Vec<String>,
}

impl Deployment {
    /// `public_url` is another URL that leads to the API, and that HeyGen should use instead; `endpoints` are
    /// comma-separated names.
    pub fn new(api_url: &str, public_url: Option<&str>, endpoints: &str) -> Self {
        let urls = [Some(api_url), public_url].into_iter().flatten().map(|url| url.trim_end_matches('/').to_owned());
        Deployment { urls: urls.collect(), former_urls: Vec::new(), names: names(endpoints) }
    }

    /// The same deployment, whose endpoints may still have one of these base URLs, which are comma-separated.
    pub fn with_former_urls(self, urls: &str) -> Self {
        Deployment { former_urls: names(urls), ..self }
    }

    /// The same deployment with other endpoints: comma-separated names.
    pub(crate) fn with_names(&self, endpoints: &str) -> Self {
        Deployment { names: names(endpoints), ..self.clone() }
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

    /// The name of the endpoint with this URL; `None` if the URL leads neither here nor to a former URL. A query makes no
    /// difference.
    pub fn name_of(&self, url: &str) -> Option<String> {
        let url = urls::normal(url)?;
        self.urls.iter().chain(&self.former_urls).filter_map(|own| urls::normal(own)).find_map(|own| {
            let same = own.origin() == url.origin();
            let name = url.path().strip_prefix(own.path().trim_end_matches('/'))?.strip_prefix(PATH)?;
            same.then(|| name.to_owned())
        })
    }
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
    fn only_a_url_that_leads_here_has_the_name_of_an_endpoint() {
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
            ("https://abc.execute-api.invalid:443/webhooks/heygen/m%61in?token=x", Some("main")),
            ("https://hooks.team.invalid/heygen/webhooks/heygen/old", Some("old")),
            ("https://hooks.team.invalid/HEYGEN/webhooks/heygen/old", None),
            ("https://hooks.team.invalid/webhooks/heygen/main", None),
            ("https://abc.execute-api.invalid.evil.invalid/webhooks/heygen/main", None),
            ("https://abc.execute-api.invalid", None),
            ("https://def.execute-api.invalid/webhooks/heygen/main", None),
            ("http://abc.execute-api.invalid/webhooks/heygen/main", None),
            ("", None),
        ] {
            assert_eq!(ours.name_of(url).as_deref(), name, "{url}");
        }
    }

    #[test]
    fn a_former_url_is_recognised_and_never_used() {
        let ours = Deployment::new("https://abc.execute-api.invalid", None, "main")
            .with_former_urls("https://old.invalid/heygen/, https://older.invalid");
        for url in ["https://old.invalid/heygen/webhooks/heygen/main", "https://older.invalid/webhooks/heygen/main"] {
            assert_eq!(ours.name_of(url).as_deref(), Some("main"), "{url}");
            assert_eq!(ours.with_names("second").name_of(url).as_deref(), Some("main"), "{url}");
        }
        assert_eq!(ours.name_of("https://old.invalid/webhooks/heygen/main"), None);
        assert_eq!(ours.url_of("main"), "https://abc.execute-api.invalid/webhooks/heygen/main");
    }
}
