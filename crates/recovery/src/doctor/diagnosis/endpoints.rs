//! The endpoints at HeyGen, their stored secrets, and what probes of them found.

use super::{Findings, Observed};
use crate::doctor::observed::{Endpoint, Endpoints, PlatformEndpoint, Probes};
use crate::doctor::remedy::{Remedy, Request};
use aws::jobs::printable;
use serde_json::json;

fn sync() -> Remedy {
    Remedy::run(Request::admin(json!({"action": "sync"})))
}

fn prune() -> Remedy {
    let prune = Remedy::run(Request::admin(json!({"action": "sync", "prune": true})));
    prune.then("One sync deletes no more endpoints than MaxRemovals and MaxRemovalPercent allow: repeat it for others.")
}

fn verify(name: &str) -> Remedy {
    Remedy::run(Request::admin(json!({"action": "verify", "endpoint": name})))
}

pub(super) fn rotate(name: &str) -> Remedy {
    Remedy::run(Request::admin(json!({"action": "rotate", "endpoint": name})))
}

pub(super) fn find(all: &mut Findings, observed: &Observed) {
    if let Some(list) = all.seen_if_any("the endpoints", observed.endpoints.as_ref()) {
        // Where Lambda cannot reach the public URL, only probes that were asked for count.
        let is_probed = matches!(observed.probes, Some(Ok(Probes::Ended(_)))) || !observed.is_verifying;
        listed(all, list, is_probed);
        list.platforms.iter().for_each(|endpoint| elsewhere(all, endpoint));
    }
    if let Some(found) = all.seen_if_any("the verification", observed.probes.as_ref()) {
        probes(all, found);
    }
}

fn listed(all: &mut Findings, list: &Endpoints, is_probed: bool) {
    let ours: Vec<_> = list.endpoints.iter().filter_map(|one| Some((one.endpoint.as_deref()?, one))).collect();
    if ours.is_empty() && list.missing.is_empty() {
        all.warning(
            "no-endpoints",
            "No endpoint is configured, so HeyGen delivers nothing.",
            sync().first("Put one into endpoints.json and deploy."),
        );
    }
    for name in &list.missing {
        let message = format!("HeyGen does not have the endpoint {}, so it delivers nothing to it.", printable(name));
        all.error("endpoint-missing", message, sync());
    }
    for (name, endpoint) in ours {
        one_endpoint(all, &printable(name), endpoint, is_probed);
    }
    if list.unreadable > 0 {
        all.warning(
            "endpoints-unreadable",
            format!("{} of the endpoints in HeyGen's list could not be read, and are left alone.", list.unreadable),
            "Update this deployment; if there is no newer version, report it.",
        );
    }
}

/// A webhook of another platform, or the secret of callback URLs.
fn elsewhere(all: &mut Findings, endpoint: &PlatformEndpoint) {
    let name = printable(&endpoint.endpoint);
    if let Some(problem) = &endpoint.problem {
        let message = format!("{name} could not be compared with its platform: {}", printable(problem));
        all.error("platform-endpoint-unknown", message, sync());
    }
    if endpoint.left.iter().any(|left| left.reason.as_deref() == Some("disabled")) {
        let message = format!("The platform has disabled the webhook of {name}, so it delivers nothing.");
        all.error("platform-endpoint-disabled", message, sync());
    } else if let Some(left) = endpoint.left.first() {
        let reason = left.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let message = printable(&format!("{name} is not in sync: {}{reason} is left to be done.", left.change));
        all.warning("platform-endpoint-out-of-sync", message, sync());
    }
}

fn one_endpoint(all: &mut Findings, name: &str, endpoint: &Endpoint, is_probed: bool) {
    let id = printable(&endpoint.endpoint_id);
    match endpoint.state.as_str() {
        "registered" if endpoint.drift.as_deref() == Some("delete") => not_configured(all, name, &id),
        "registered" => registered(all, name, endpoint, is_probed),
        "duplicate" => all.warning(
            "endpoint-duplicate",
            format!("{id} has the same URL as {name}: deliveries come twice, one of them not verified."),
            prune(),
        ),
        "not_configured" => not_configured(all, name, &id),
        _ => all.error(
            "endpoint-not-registered-here",
            format!("{id} leads here as {name}, but this deployment does not have its secret: deliveries are refused."),
            Remedy::run(Request::admin(json!({"action": "sync", "adopt": true})))
                .first("If no other deployment uses it, adopt it, which gives it a new secret."),
        ),
    }
}

fn not_configured(all: &mut Findings, name: &str, id: &str) {
    all.warning(
        "endpoint-not-configured",
        format!("{id} leads here as {name}, which endpoints.json does not have."),
        prune().first("Put it into endpoints.json, or delete it."),
    );
}

fn registered(all: &mut Findings, name: &str, endpoint: &Endpoint, is_probed: bool) {
    match endpoint.secret.as_deref() {
        Some("pending") => {
            let message = format!("A change of {name} was cut off before its secret was stored.");
            all.error("secret-pending", message, sync());
        }
        Some("missing") => {
            let message = format!("The secret of {name} is not stored: deliveries are refused.");
            all.error("secret-missing", message, rotate(name));
        }
        _ => {}
    }
    let is_disabled = endpoint.status.as_deref() == Some("disabled");
    if is_disabled {
        all.error(
            "endpoint-disabled",
            format!("HeyGen has disabled {name}, and delivers nothing to it."),
            sync().then("This replaces it; the schedule brings back what was missed."),
        );
    }
    // What mends a secret that is not stored rotates it as well.
    let is_stored = endpoint.secret.as_deref() == Some("stored");
    match endpoint.drift.as_deref().filter(|_| is_stored) {
        Some("rotate") => {
            let message = format!("The secret of {name} is older than MaxSecretDays, or of unknown age.");
            all.warning("secret-old", message, sync());
        }
        Some(change) if !is_disabled => {
            let message =
                format!("{name} at HeyGen differs from endpoints.json: a sync would {} it.", printable(change));
            all.warning("endpoint-differs", message, sync());
        }
        _ => {}
    }
    if is_probed {
        return;
    }
    match (&endpoint.problem, &endpoint.verified_at) {
        (Some(problem), _) => not_verified(all, name, problem),
        (None, None) => {
            all.warning("endpoint-never-verified", format!("No probe has shown yet that {name} works."), verify(name))
        }
        (None, Some(_)) => {}
    }
}

fn not_verified(all: &mut Findings, name: &str, problem: &str) {
    let message = format!("A signed probe of {name} failed: {}.", printable(problem));
    let first = "Mend what it says, see docs/operations.md#endpoint-not-verified; then probe it again.";
    all.error("endpoint-not-verified", message, verify(name).first(first));
}

fn probes(all: &mut Findings, probes: &Probes) {
    match probes {
        Probes::Ended(probes) => {
            for probe in probes {
                if let Some(problem) = &probe.problem {
                    not_verified(all, &printable(&probe.endpoint), problem);
                }
            }
        }
        Probes::TooSlow => all.error(
            "verification-too-slow",
            "A signed probe was not recorded in time: the receiver, the queue or the processor does not work.",
            "See the other findings; if there are none, the functions' log groups (on a local stack `make logs`).",
        ),
    }
}
