//! HeyGen's API: whether it answers this deployment's key, its clock, and its event types.

use super::{Findings, Observed};
use crate::doctor::observed::{EventTypes, HeyGen};
use aws::jobs::printable;

/// Pre-signed links, signed calls and the age of events depend on clocks; a response is seconds old at most.
const SKEW: i64 = 120;

const STORE_KEY: &str =
    "Store the API key as the value of the secret that the parameter ApiKeySecret or ApiKeySecretArn names.";

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    if let Some(found) = all.seen("HeyGen's API", &observed.heygen) {
        answer(all, *found);
    }
    if let Some(ahead) = observed.clock_ahead.filter(|ahead| ahead.abs() > SKEW) {
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        all.warning(
            "clock-skew",
            format!("HeyGen's clock is {} seconds {direction} the one of this function.", ahead.abs()),
            "Compare both with a third clock: `curl -sI https://api.heygen.com | grep -i ^date; date -u`. Report it to HeyGen, or to \
             whoever runs a proxy at HeygenBaseUrl; on a local stack, set the clock of this machine. Until then, backfill may miss what just ended.",
        );
    }
    if let Some(found) = all.seen_if_any("HeyGen's event types", observed.event_types.as_ref()) {
        event_types(all, found);
    }
}

fn answer(all: &mut Findings, answer: HeyGen) {
    match answer {
        HeyGen::Answers => {}
        HeyGen::NotAsked => all.info(
            "api-key-not-configured",
            "No API key is configured, so endpoints are not managed, and nothing missed is brought back.",
            "If they should be, set the parameter ApiKeySecret or ApiKeySecretArn.",
        ),
        HeyGen::KeyMissing => all.error("api-key-missing", "The secret of the API key has no value.", STORE_KEY),
        HeyGen::KeyUnusable => {
            all.error("api-key-unusable", "What is stored as the API key is not an API key.", STORE_KEY);
        }
        HeyGen::KeyRejected => all.error("api-key-rejected", "HeyGen does not accept the API key.", STORE_KEY),
        HeyGen::KeyForbidden => all.error(
            "api-key-forbidden",
            "HeyGen does not allow this API key to list webhook endpoints.",
            "Store a key of a workspace whose plan includes webhooks, or give the key's owner access.",
        ),
        HeyGen::NoCredit => all.error("no-credit", "HeyGen says that the credit is used up.", "Buy credit at HeyGen."),
        HeyGen::Limited => all.warning(
            "rate-limited",
            "HeyGen limits the calls of this API key.",
            "Wait, then run doctor again. If it stays, another application uses up the limit.",
        ),
        HeyGen::Gone => all.error(
            "api-gone",
            "HeyGen no longer has this version of its API.",
            "Set the parameter HeygenApiVersion to v3.",
        ),
        HeyGen::Unreachable => all.error(
            "heygen-unreachable",
            "HeyGen does not answer, or not as its API does.",
            "HeyGen has to answer first: see its status page and the parameter HeygenBaseUrl, then run doctor again.",
        ),
    }
}

fn event_types(all: &mut Findings, found: &EventTypes) {
    let list = |names: &[String]| names.iter().map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    if !found.new.is_empty() {
        let new = list(&found.new);
        all.info(
            "new-event-types",
            format!("HeyGen has event types that this version does not know: {new}. They are recorded as they are."),
            "Update this deployment, if you need them as jobs.",
        );
    }
    if !found.removed.is_empty() {
        all.info(
            "removed-event-types",
            format!("HeyGen no longer has these event types: {}.", list(&found.removed)),
            "Remove them from endpoints.json, if it has them.",
        );
    }
}
