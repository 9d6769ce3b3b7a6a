//! Which event types this deployment wants: those that its endpoints at HeyGen subscribe to.

use heygen::api::Endpoint;
use std::collections::BTreeSet;

/// The path of an endpoint below this deployment's URL.
const PATH: &str = "/webhooks/heygen/";

/// `None` is all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribed(Option<BTreeSet<String>>);

impl Subscribed {
    pub(crate) const ALL: Subscribed = Subscribed(None);

    /// What the endpoints below `urls` subscribe to, also disabled ones. If there is none, all: it may be registered by
    /// another URL, and nothing may be lost.
    pub(crate) fn of(endpoints: &[Endpoint], urls: &[String]) -> Self {
        let is_ours = |endpoint: &&Endpoint| urls.iter().any(|url| endpoint.url.starts_with(&format!("{url}{PATH}")));
        let ours: Vec<_> = endpoints.iter().filter(is_ours).collect();
        if ours.is_empty() || ours.iter().any(|endpoint| endpoint.events.is_none()) {
            return Subscribed::ALL;
        }
        let types = ours.iter().flat_map(|endpoint| endpoint.events.iter().flatten());
        Subscribed(Some(types.map(|event_type| event_type.as_str().to_owned()).collect()))
    }

    pub(crate) fn wants(&self, event_type: Option<&str>) -> bool {
        match (&self.0, event_type) {
            (Some(types), Some(event_type)) => types.contains(event_type),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, events: Option<&[&str]>) -> Endpoint {
        let events = events.map(|events| events.iter().map(|event| (*event).to_owned()).collect());
        Endpoint { id: "ep_1".to_owned(), url: url.to_owned(), status: None, events, created_at: None, secret: None }
    }

    #[test]
    fn what_the_endpoints_of_this_deployment_subscribe_to_is_wanted() {
        let urls = ["https://hooks.example.com".to_owned()];
        let ours = |name: &str, events| endpoint(&format!("https://hooks.example.com/webhooks/heygen/{name}"), events);
        let foreign = endpoint("https://hooks.example.com.evil.example/webhooks/heygen/main", None);
        let wants = |endpoints: &[Endpoint]| {
            let subscribed = Subscribed::of(endpoints, &urls);
            ["avatar_video.success", "avatar_video.fail"].map(|name| subscribed.wants(Some(name)))
        };
        let (some, others) = (Some(&["avatar_video.success"][..]), Some(&["avatar_video.fail"][..]));
        assert_eq!(wants(&[ours("main", some), foreign.clone()]), [true, false]);
        assert_eq!(wants(&[ours("main", some), ours("second", others)]), [true, true]);
        assert_eq!(wants(&[ours("main", some), ours("second", None)]), [true, true]);
        assert_eq!(wants(&[foreign]), [true, true], "it may be registered by another URL");
        assert!(Subscribed::of(&[ours("main", some)], &urls).wants(None), "what has no type is not left out");
    }
}
