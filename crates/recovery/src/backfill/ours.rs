//! Which jobs of another platform's lists were meant for this deployment.

use crate::own_urls::{LeadsTo, OwnUrls, is_for};
use platforms::list::{Mark, mark};
use webhook::list::Element;
use webhook::{LookUp, Platform};

/// The job as if the platform had been asked for it, under its order; `None` if it was meant for somebody else.
pub(crate) fn ours(own_urls: &OwnUrls, platform: Platform, element: &Element) -> Option<LookUp> {
    let callback_id = match mark(platform) {
        Mark::OwnValue => Some(element.callback_id.clone()?),
        Mark::CallbackUrl => Some(order(own_urls, element)?),
        Mark::None => element.callback_id.clone(),
    };
    let Element { kind, entity_id, answer, .. } = element;
    let answer = Some(answer.clone());
    Some(LookUp { kind: kind.clone(), entity_id: entity_id.clone(), callback_id, answer, failure: None })
}

/// As `confirm` accepts the answer: for this kind of job, and with no other order in the job itself.
fn order(own_urls: &OwnUrls, element: &Element) -> Option<String> {
    let LeadsTo::Here(callback) = own_urls.read(element.callback_url.as_deref()?) else { return None };
    is_for(&callback, &element.kind, element.callback_id.as_deref()).then_some(callback.correlation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_urls::tests::{URL, own_urls, path};

    fn element(kind: &str, url: Option<String>, own: Option<&str>) -> Element {
        Element {
            kind: kind.to_owned(),
            entity_id: "x1".to_owned(),
            callback_id: own.map(str::to_owned),
            callback_url: url,
            created: None,
            answer: serde_json::from_str(r#"{"status": "done"}"#).unwrap(),
        }
    }

    fn taken(platform: Platform, kind: &str, url: Option<String>, own: Option<&str>) -> Option<Option<String>> {
        ours(&own_urls(platform), platform, &element(kind, url, own)).map(|look_up| look_up.callback_id)
    }

    fn talk(url: Option<String>, own: Option<&str>) -> Option<Option<String>> {
        taken(Platform::Did, "did.talk", url, own)
    }

    #[test]
    fn a_job_with_a_callback_url_of_this_deployment_is_the_order_of_its_token() {
        for key in ["current", "previous"] {
            for own in [None, Some("order")] {
                let url = format!("{URL}{}", path("main", "talk", "order", key));
                assert_eq!(talk(Some(url), own), Some(Some("order".to_owned())), "{key}");
            }
        }
    }

    #[test]
    fn a_job_of_somebody_else_is_left() {
        let right = format!("{URL}{}", path("main", "talk", "order", "current"));
        for (what, url, own) in [
            ("no callback URL, and anybody may give a talk this value", None, Some("order")),
            ("none of ours", Some("https://elsewhere.example.com/hook".to_owned()), None),
            ("another deployment", Some(right.replace("hooks", "others")), None),
            ("another deployment's secret", Some(format!("{URL}{}", path("main", "talk", "order", "another"))), None),
            ("another kind of job", Some(format!("{URL}{}", path("main", "clip", "order", "current"))), None),
            ("the job itself says so", Some(right), Some("another order")),
        ] {
            assert_eq!(talk(url, own), None, "{what}");
        }
    }

    #[test]
    fn where_the_own_value_is_repeated_a_job_without_one_is_left_and_where_it_is_not_all_are_taken() {
        let order = Some(Some("order".to_owned()));
        assert_eq!(taken(Platform::Synthesia, "synthesia.video", None, Some("order")), order);
        assert_eq!(taken(Platform::Synthesia, "synthesia.video", None, None), None);
        assert_eq!(taken(Platform::ElevenLabs, "elevenlabs.flows", None, None), Some(None));
    }
}
