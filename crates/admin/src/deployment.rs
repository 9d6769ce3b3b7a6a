//! Which of HeyGen's endpoints are this deployment's: those whose URL leads here.

use aws::endpoints::{PATH, names};

/// Where this deployment receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The API's own URL first, then the public one if there is one, without a slash at the end.
    urls: Vec<String>,
    names: Vec<String>,
}

impl Deployment {
    /// `api_url` is the API's own URL; `public_url` is another that leads to it, and that HeyGen
    /// shall use instead; `endpoints` are the names of the endpoints, comma separated.
    pub fn new(api_url: &str, public_url: Option<&str>, endpoints: &str) -> Self {
        let urls = [Some(api_url), public_url].into_iter().flatten().map(|url| url.trim_end_matches('/').to_owned());
        Deployment { urls: urls.collect(), names: names(endpoints) }
    }

    /// The endpoints that the receiver knows.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where HeyGen shall post for an endpoint.
    pub fn url_of(&self, name: &str) -> String {
        format!("{}{PATH}{name}", self.url())
    }

    /// Where HeyGen shall post.
    pub fn url(&self) -> &str {
        self.urls.last().map(String::as_str).unwrap_or_default()
    }

    /// The endpoint that a URL of this deployment is for; `None` for the URLs of others.
    pub fn name_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        let name = self.urls.iter().find_map(|own| strip_prefix_of_url(url, own)?.strip_prefix(PATH))?;
        Some(name.trim_end_matches('/'))
    }
}

/// Scheme and host are the same in any case; a path is not.
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
