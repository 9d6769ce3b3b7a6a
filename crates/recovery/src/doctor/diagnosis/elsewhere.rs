//! Other platforms than HeyGen: whether they answer this deployment's keys, and whether their callbacks can be confirmed.

use super::{Findings, Observed};
use crate::doctor::observed::{Answers, CallbackUrl, Called, Elsewhere};
use crate::doctor::remedy::{Remedy, Request};
use aws::jobs::printable;
use serde_json::json;
use webhook::Platform;

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    for one in &observed.elsewhere {
        let title = one.platform.title();
        if let Some(found) = all.seen_if_any(&format!("{title}'s API"), one.answers.as_ref()) {
            answers(all, one.platform, *found);
        }
        without_key(all, one);
        let what = format!("the callback secrets of {title}");
        for endpoint in all.seen(&what, &one.without_secret).into_iter().flatten() {
            let endpoint = printable(endpoint);
            all.error(
                "callback-secret-missing",
                format!("The callback secret of {endpoint} has no value: its callbacks are refused, and track gives no URL for it."),
                Remedy::run(Request::admin(json!({"action": "sync"}))),
            );
        }
        let what = format!("the callback URLs of {title}'s jobs");
        if let Some(called) = all.seen(&what, &one.called) {
            callback_urls(all, title, called);
        }
    }
}

/// One finding for all jobs with the same fault, without their URLs: these are credentials.
fn callback_urls(all: &mut Findings, title: &str, called: &[Called]) {
    let again = format!(
        "To be told at once of the next ones, start a job at {title} with the callback_url that track replies for it. Those that run are looked up by the sweep after their expected_by."
    );
    for url in [CallbackUrl::Elsewhere, CallbackUrl::Refused, CallbackUrl::OfAnotherJob, CallbackUrl::Absent] {
        let jobs: Vec<_> = called.iter().filter(|one| one.url == url).map(|one| printable(&one.job)).collect();
        if jobs.is_empty() {
            continue;
        }
        let of = format!("of {title}'s jobs {}", jobs.join(", "));
        match url {
            CallbackUrl::Ours => {}
            CallbackUrl::Elsewhere => all.warning(
                "callback-url-elsewhere",
                format!("The callbacks {of} do not go to this deployment: only the sweep finds their end."),
                again.clone(),
            ),
            CallbackUrl::Refused => all.error(
                "callback-url-refused",
                format!("The callbacks {of} come here and are refused: the URL has no endpoint of this deployment, or its token is of no secret that is accepted."),
                again.clone(),
            ),
            CallbackUrl::OfAnotherJob => all.warning(
                "callback-url-of-another-job",
                format!("The callbacks {of} were made for another callback_id or another kind: they are not taken for these."),
                again.clone(),
            ),
            CallbackUrl::Absent => all.info(
                "callback-url-missing",
                format!("There are no callbacks {of}: only the sweep finds their end."),
                again.clone(),
            ),
        }
    }
}

fn answers(all: &mut Findings, platform: Platform, answers: Answers) {
    let title = platform.title();
    let variable = format!("{}_API_KEY_SECRET", platform.name().to_ascii_uppercase());
    let store =
        format!("Store {title}'s API key as the value of the secret that recovery's variable {variable} names.");
    match answers {
        Answers::Works => {}
        Answers::KeyMissing => all.error(
            "platform-key-missing",
            format!("The secret of {title}'s API key has no value, or none that is a key."),
            store,
        ),
        Answers::Unusable => all.error(
            "platform-key-unusable",
            format!("What is stored as {title}'s API key, or its base URL, cannot be used."),
            store,
        ),
        Answers::Rejected => {
            all.error("platform-key-rejected", format!("{title} does not accept the API key."), store);
        }
        Answers::Payment => all.error(
            "platform-no-credit",
            format!("{title} requires payment before it answers."),
            format!("Check the account's plan and credit at {title}."),
        ),
        Answers::Limited => all.warning(
            "platform-rate-limited",
            format!("{title} limits the calls of this API key."),
            "Wait, then run doctor again. If it stays, another application uses up the limit.",
        ),
        Answers::Unreachable => all.error(
            "platform-unreachable",
            format!("{title} does not answer, or not as its API does."),
            format!("See {title}'s status page, and the base URL if one is set; then run doctor again."),
        ),
    }
}

fn without_key(all: &mut Findings, one: &Elsewhere) {
    if one.has_key || !one.has_endpoints {
        return;
    }
    let title = one.platform.title();
    let next = format!("Store an API key of {title}'s in Secrets Manager, and set the deployment's parameter for it.");
    match one.platform {
        Platform::Tavus | Platform::Did | Platform::HeyGen => all.error(
            "callbacks-without-key",
            format!("There are endpoints for callbacks of {title}, and no API key: no callback can be confirmed, so none is recorded."),
            next,
        ),
        Platform::Synthesia | Platform::ElevenLabs => all.warning(
            "platform-without-key",
            format!("There are endpoints of {title}, and no API key: a delivery that is lost is not brought back."),
            next,
        ),
    }
}
