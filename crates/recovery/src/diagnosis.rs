//! From what was observed to findings.

use crate::finding::{Finding, Severity};
use crate::observed::{
    Alarm, Depth, Endpoint, Endpoints, EventTypes, HeyGen, Observed, Pipe, Polling, Probes, ReadList, Seen,
};
use aws::jobs::printable;

/// So many messages wait only if the processor does not keep up.
const MANY: u64 = 1_000;
/// A scan that began this many seconds ago and has not ended is stuck, if there is no schedule to compare it with.
const HOUR: i64 = 3_600;
/// What was missed is reported for so long.
const DAY: i64 = 24 * HOUR;

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) {
        self.0.push(Finding { code, severity, message: message.into(), next_step: next_step.into() });
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, next_step: impl Into<String>) {
        self.add(Severity::Error, code, message, next_step);
    }

    fn warning(&mut self, code: &'static str, message: impl Into<String>, next_step: impl Into<String>) {
        self.add(Severity::Warning, code, message, next_step);
    }

    fn info(&mut self, code: &'static str, message: impl Into<String>, next_step: impl Into<String>) {
        self.add(Severity::Info, code, message, next_step);
    }

    /// The value; or a finding that it could not be checked.
    fn seen<'a, T>(&mut self, what: &str, seen: &'a Seen<T>) -> Option<&'a T> {
        let why = match seen {
            Ok(value) => return Some(value),
            Err(why) => printable(why),
        };
        let next =
            "If access was denied, compare the role RecoveryRole with template.yaml; otherwise run doctor again.";
        self.warning("not-checked", format!("{what} could not be checked: {why}"), next);
        None
    }

    fn seen_if_any<'a, T>(&mut self, what: &str, seen: Option<&'a Seen<T>>) -> Option<&'a T> {
        self.seen(what, seen?)
    }
}

/// Pure.
pub(crate) fn diagnose(observed: &Observed) -> Vec<Finding> {
    let mut all = Findings::default();
    if let Some(answer) = all.seen("HeyGen's API", &observed.heygen) {
        heygen(&mut all, *answer);
    }
    if let Some(list) = all.seen_if_any("the endpoints", observed.endpoints.as_ref()) {
        endpoints(&mut all, list, matches!(observed.probes, Some(Ok(Probes::Ended(_)))));
    }
    if let Some(found) = all.seen_if_any("the verification", observed.probes.as_ref()) {
        probes(&mut all, found);
    }
    if let Some(found) = all.seen_if_any("HeyGen's event types", observed.event_types.as_ref()) {
        event_types(&mut all, found);
    }
    queues(&mut all, observed);
    if let Some(found) = all.seen_if_any("the processor's event source", observed.polling.as_ref()) {
        polling(&mut all, found);
    }
    if let Some(found) = all.seen_if_any("the pipe", observed.pipe.as_ref()) {
        pipe(&mut all, found);
    }
    if !observed.has_alarms {
        let next = "Set the parameter AlarmEmail or AlarmTopicArn.";
        all.warning("nobody-is-told", "There are no alarms, so nobody is told when something fails.", next);
    }
    if let Some(found) = all.seen_if_any("the alarms", observed.alarms.as_ref()) {
        alarms(&mut all, found);
    }
    if let Some(found) = all.seen_if_any("how far HeyGen's lists were read", observed.cursors.as_ref()) {
        for list in found {
            cursor(&mut all, observed, list);
        }
    }
    all.0
}

const STORE_KEY: &str =
    "Store the API key as the value of the secret that the parameter ApiKeySecret or ApiKeySecretArn names.";

fn heygen(all: &mut Findings, answer: HeyGen) {
    let later = "HeyGen has to answer first: see its status page, then run doctor again.";
    match answer {
        HeyGen::Answers => {}
        HeyGen::NotAsked => all.info(
            "api-key-not-configured",
            "No API key is configured, so endpoints are not managed, and nothing missed is brought back.",
            "Set the parameter ApiKeySecret or ApiKeySecretArn, if this should be so.",
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
            "Wait, then run doctor again; if it stays, another application uses up the limit.",
        ),
        HeyGen::Gone => all.error(
            "api-gone",
            "HeyGen no longer has this version of its API.",
            "Set the parameter HeygenApiVersion to v3.",
        ),
        HeyGen::Unreachable => {
            all.error("heygen-unreachable", "HeyGen does not answer, or not as its API does.", later)
        }
    }
}

const SYNC: &str = "Ask admin: {\"action\": \"sync\"}, or `make sync`.";
const PRUNE: &str =
    "Put it into endpoints.json, or ask admin: {\"action\": \"sync\", \"prune\": true}, or `make sync PRUNE=1`.";

fn endpoints(all: &mut Findings, list: &Endpoints, is_probed: bool) {
    let ours: Vec<_> = list.endpoints.iter().filter_map(|one| Some((one.endpoint.as_deref()?, one))).collect();
    if ours.is_empty() && list.missing.is_empty() {
        all.warning(
            "no-endpoints",
            "No endpoint is configured, so HeyGen delivers nothing.",
            "Put one into endpoints.json and deploy, then ask admin: {\"action\": \"sync\"}.",
        );
    }
    for name in &list.missing {
        let message = format!("HeyGen does not have the endpoint {}, so it delivers nothing to it.", printable(name));
        all.error("endpoint-missing", message, SYNC);
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

fn one_endpoint(all: &mut Findings, name: &str, endpoint: &Endpoint, is_probed: bool) {
    let id = printable(&endpoint.endpoint_id);
    match endpoint.state.as_str() {
        "registered" => {}
        "duplicate" => {
            let message = format!("{id} has the same URL as {name}: deliveries come twice, one of them not verified.");
            all.warning(
                "endpoint-duplicate",
                message,
                "Ask admin: {\"action\": \"sync\", \"prune\": true}, or `make sync PRUNE=1`.",
            );
            return;
        }
        "not_configured" => {
            let message = format!("{id} leads here as {name}, which endpoints.json does not have.");
            all.warning("endpoint-not-configured", message, PRUNE);
            return;
        }
        _ => {
            let message = format!(
                "{id} leads here as {name}, but this deployment does not have its secret: deliveries are refused."
            );
            let next = "Ask admin: {\"action\": \"sync\", \"adopt\": true}, or `make sync ADOPT=1`.";
            all.error("endpoint-not-registered-here", message, next);
            return;
        }
    }
    match endpoint.secret.as_deref() {
        Some("pending") => {
            let message = format!("A change of {name} was cut off before its secret was stored.");
            all.error("secret-pending", message, SYNC);
        }
        Some("missing") => {
            let message = format!("The secret of {name} is not stored: deliveries are refused.");
            let next = format!(
                "Ask admin: {{\"action\": \"rotate\", \"endpoint\": \"{name}\"}}, or `make rotate ENDPOINT={name}`."
            );
            all.error("secret-missing", message, next);
        }
        _ => {}
    }
    let is_disabled = endpoint.status.as_deref() == Some("disabled");
    if is_disabled {
        let message = format!("HeyGen has disabled {name}, and delivers nothing to it.");
        all.error(
            "endpoint-disabled",
            message,
            format!("{SYNC} This replaces it; then bring back what was missed: `make backfill`."),
        );
    }
    match endpoint.drift.as_deref() {
        Some("rotate") => {
            let message = format!("The secret of {name} is older than MaxSecretDays, or of unknown age.");
            all.warning("secret-old", message, SYNC);
        }
        Some(change) if !is_disabled => {
            let message =
                format!("{name} at HeyGen differs from endpoints.json: a sync would {} it.", printable(change));
            all.warning("endpoint-differs", message, SYNC);
        }
        _ => {}
    }
    if is_probed {
        return;
    }
    match (&endpoint.problem, &endpoint.verified_at) {
        (Some(problem), _) => not_verified(all, name, problem),
        (None, None) => {
            let next = format!("Ask admin: {{\"action\": \"verify\", \"endpoint\": \"{name}\"}}, or `make verify`.");
            all.warning("endpoint-never-verified", format!("{name} was never seen to work."), next);
        }
        (None, Some(_)) => {}
    }
}

fn not_verified(all: &mut Findings, name: &str, problem: &str) {
    let message = format!("A signed probe of {name} failed: {}.", printable(problem));
    let next = format!(
        "Mend what it says, then ask admin: {{\"action\": \"verify\", \"endpoint\": \"{name}\"}}. If the signature does not match, `make rotate ENDPOINT={name}`."
    );
    all.error("endpoint-not-verified", message, next);
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
            "See the other findings; if there are none, `make logs` or the functions' log groups.",
        ),
    }
}

fn event_types(all: &mut Findings, found: &EventTypes) {
    let list = |names: &[String]| names.iter().map(|name| printable(name)).collect::<Vec<_>>().join(", ");
    if !found.new.is_empty() {
        all.info(
            "new-event-types",
            format!(
                "HeyGen has event types that this version does not know: {}. They are recorded as they are.",
                list(&found.new)
            ),
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

fn queues(all: &mut Findings, observed: &Observed) {
    if let Some(Depth { waiting, hidden }) = all.seen("the dead-letter queue", &observed.dead_letters)
        && waiting + hidden > 0
    {
        all.error(
            "dead-letters",
            format!("There are {} dead letters: deliveries that could not be recorded.", waiting + hidden),
            "Ask recovery for their reasons, {\"action\": \"redrive\"} or `make redrive`; when these are gone, send them back: `make redrive REALLY=1`.",
        );
    }
    if let Some(Depth { waiting, hidden }) = all.seen("the queue of undelivered job events", &observed.undelivered)
        && waiting + hidden > 0
    {
        all.error(
            "undelivered-job-events",
            format!("{} reports say that job events did not reach the event bus.", waiting + hidden),
            "Replay their jobs, which deletes the reports: {\"action\": \"replay\", \"undelivered\": true, \"dry_run\": false}, or `make replay UNDELIVERED=1 REALLY=1`.",
        );
    }
    if let Some(Depth { waiting, .. }) = all.seen("the queue", &observed.queue)
        && *waiting > MANY
    {
        all.warning(
            "queue-behind",
            format!("{waiting} deliveries wait: the processor does not keep up, or fails."),
            "See the processor's errors, `make logs`; if there are none, raise the parameter ProcessorConcurrency.",
        );
    }
}

fn polling(all: &mut Findings, polling: &Polling) {
    match polling.state.as_str() {
        "Disabled" | "Disabling" => all.error(
            "queue-not-read",
            "The processor's event source is disabled: deliveries wait, and after 14 days are lost.",
            "Enable it: aws lambda update-event-source-mapping --uuid UUID --enabled, with the UUID of the resource QueueInvokesProcessor.",
        ),
        _ => {
            if let Some(result) = polling.last_processing_result.as_ref().filter(|result| result.contains("PROBLEM")) {
                all.error(
                    "queue-reading-fails",
                    format!("Lambda cannot read the queue: {}.", printable(result)),
                    "Compare the processor's role and concurrency with template.yaml.",
                );
            }
        }
    }
}

fn pipe(all: &mut Findings, pipe: &Pipe) {
    let state = printable(&pipe.current_state);
    let start = "Start it: aws pipes start-pipe --name NAME, with the name of the resource JobEvents. What is older than a day is lost.";
    if pipe.desired_state.as_deref() == Some("STOPPED")
        || ["STOPPED", "STOPPING"].contains(&pipe.current_state.as_str())
    {
        all.error("pipe-stopped", "The pipe is stopped, so that no job events are published.", start);
    } else if pipe.current_state.contains("FAILED") {
        let next =
            format!("See the pipe's StateReason, and compare the role JobEventsRole with template.yaml. {start}");
        all.error("pipe-failing", format!("The pipe is {state}, so that no job events are published."), next);
    }
}

fn alarms(all: &mut Findings, alarms: &[Alarm]) {
    for Alarm { name, state, actions_enabled } in alarms {
        let name = printable(name);
        if state == "ALARM" {
            let next = "See the table of alarms in docs/operations.md.";
            all.error("alarm", format!("The alarm {name} is on."), next);
        }
        if *actions_enabled == Some(false) {
            let next = format!("aws cloudwatch enable-alarm-actions --alarm-names {name}");
            all.warning("alarms-muted", format!("The alarm {name} notifies nobody: its actions are disabled."), next);
        }
    }
}

fn cursor(all: &mut Findings, observed: &Observed, list: &ReadList) {
    let ReadList { list: name, read_until, scanning_until, missed } = list;
    let name = name.replace('_', " ");
    if let Some(missed) = missed.filter(|missed| observed.now - missed.at < DAY) {
        let message = format!(
            "{} events of HeyGen's list of {name} were never received, and were brought back within the last day.",
            missed.count
        );
        let next = "See \"Missed events\" in docs/operations.md. If deliveries are rejected although the endpoint works, HeyGen signs with \
                    another secret than the stored one: `make rotate ENDPOINT=NAME`, or ask admin: {\"action\": \"rotate\", \"endpoint\": \"NAME\"}.";
        all.warning("deliveries-missed", message, next);
    }
    let limit = observed.delay + observed.period.map_or(HOUR, |period| period.saturating_mul(2).max(HOUR));
    let late = match (read_until, scanning_until, observed.period) {
        // It does not get to the end.
        (_, Some(until), _) if observed.now - until > limit => "a run that began long ago has not read it to its end",
        (Some(until), None, Some(_)) if observed.now - until > limit => {
            "it was not read to its end for more than two runs"
        }
        // HeyGen does not show every list to every key.
        (None, None, Some(_)) if name == "events" => "it was never read",
        _ => return,
    };
    let next = "Ask recovery: {\"action\": \"backfill\"}, or `make backfill`; it says why if it cannot.";
    all.warning(
        "backfill-late",
        format!("HeyGen's list of {name}: {late}, so missed events are not brought back."),
        next,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::Missed;
    use crate::observed::{EventTypes, Probe};
    use std::collections::BTreeSet;

    fn main() -> Endpoint {
        Endpoint {
            endpoint: Some("main".into()),
            endpoint_id: "ep_1".into(),
            status: Some("enabled".into()),
            state: "registered".into(),
            drift: None,
            secret: Some("stored".into()),
            verified_at: Some("2026-11-22T03:00:00Z".into()),
            problem: None,
        }
    }

    fn healthy() -> Observed {
        let foreign = Endpoint { endpoint: None, state: "foreign".into(), secret: None, verified_at: None, ..main() };
        let list = |list| ReadList { list, read_until: Some(999_000), scanning_until: None, missed: None };
        Observed {
            now: 1_000_000,
            has_alarms: true,
            period: Some(900),
            delay: 900,
            heygen: Ok(HeyGen::Answers),
            endpoints: Some(Ok(Endpoints { endpoints: vec![main(), foreign], ..Endpoints::default() })),
            probes: Some(Ok(Probes::Ended(vec![Probe { endpoint: "main".into(), problem: None }]))),
            event_types: Some(Ok(EventTypes::default())),
            queue: Ok(Depth { waiting: 3, hidden: 10 }),
            dead_letters: Ok(Depth::default()),
            undelivered: Ok(Depth::default()),
            polling: Some(Ok(Polling { state: "Enabled".into(), last_processing_result: Some("OK".into()) })),
            pipe: Some(Ok(Pipe { current_state: "RUNNING".into(), desired_state: Some("RUNNING".into()) })),
            alarms: Some(Ok(vec![Alarm { name: "a".into(), state: "OK".into(), actions_enabled: Some(true) }])),
            // Another list is not shown to this key.
            cursors: Some(Ok(vec![list("events"), ReadList { read_until: None, ..list("lipsyncs") }])),
        }
    }

    fn found(change: impl FnOnce(&mut Observed)) -> Vec<Finding> {
        let mut observed = healthy();
        change(&mut observed);
        diagnose(&observed)
    }

    /// With another endpoint `main`, which is not probed.
    fn endpoint(change: impl FnOnce(&mut Endpoint)) -> Vec<Finding> {
        let mut endpoint = main();
        change(&mut endpoint);
        found(|o| {
            o.probes = None;
            o.endpoints = Some(Ok(Endpoints { endpoints: vec![endpoint], ..Endpoints::default() }));
        })
    }

    fn listed(endpoints: Endpoints) -> Vec<Finding> {
        found(|o| o.endpoints = Some(Ok(endpoints)))
    }

    fn cursor(read_until: Option<i64>, scanning_until: Option<i64>, period: Option<i64>) -> Vec<Finding> {
        let list = ReadList { list: "events", read_until, scanning_until, missed: None };
        found(|o| (o.cursors, o.period) = (Some(Ok(vec![list])), period))
    }

    fn missed(ago: i64) -> Vec<Finding> {
        let missed = Some(Missed { count: 3, at: 1_000_000 - ago });
        let list = ReadList { list: "videos", read_until: Some(999_000), scanning_until: None, missed };
        found(|o| o.cursors = Some(Ok(vec![list])))
    }

    fn pipe(current: &str, desired: &str) -> Vec<Finding> {
        let pipe = Pipe { current_state: current.into(), desired_state: Some(desired.into()) };
        found(|o| o.pipe = Some(Ok(pipe)))
    }

    fn alarm(state: &str, enabled: bool) -> Vec<Finding> {
        let alarm = Alarm { name: "shop-errors".into(), state: state.into(), actions_enabled: Some(enabled) };
        found(|o| o.alarms = Some(Ok(vec![alarm])))
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    /// Each fault, with the one finding that it has to lead to.
    fn faults() -> Vec<(&'static str, Vec<Finding>)> {
        let polling = |state: &str, result: &str| Polling { state: state.into(), last_processing_result: some(result) };
        let probe = Probe { endpoint: "main".into(), problem: some("POST: status 401, signature_mismatch") };
        let one = Depth { waiting: 1, hidden: 0 };
        let names = || vec!["hologram.success".to_owned()];
        vec![
            ("api-key-not-configured", found(|o| o.heygen = Ok(HeyGen::NotAsked))),
            ("api-key-missing", found(|o| o.heygen = Ok(HeyGen::KeyMissing))),
            ("api-key-unusable", found(|o| o.heygen = Ok(HeyGen::KeyUnusable))),
            ("api-key-rejected", found(|o| o.heygen = Ok(HeyGen::KeyRejected))),
            ("api-key-forbidden", found(|o| o.heygen = Ok(HeyGen::KeyForbidden))),
            ("no-credit", found(|o| o.heygen = Ok(HeyGen::NoCredit))),
            ("rate-limited", found(|o| o.heygen = Ok(HeyGen::Limited))),
            ("api-gone", found(|o| o.heygen = Ok(HeyGen::Gone))),
            ("heygen-unreachable", found(|o| o.heygen = Ok(HeyGen::Unreachable))),
            ("no-endpoints", listed(Endpoints::default())),
            ("endpoint-missing", listed(Endpoints { missing: vec!["second".into()], ..Endpoints::default() })),
            (
                "endpoints-unreadable",
                listed(Endpoints { endpoints: vec![main()], unreadable: 2, ..Endpoints::default() }),
            ),
            ("endpoint-disabled", endpoint(|e| (e.status, e.drift) = (some("disabled"), some("replace")))),
            ("endpoint-duplicate", endpoint(|e| e.state = "duplicate".into())),
            ("endpoint-not-configured", endpoint(|e| e.state = "not_configured".into())),
            ("endpoint-not-registered-here", endpoint(|e| e.state = "unknown".into())),
            ("endpoint-differs", endpoint(|e| e.drift = some("update"))),
            ("secret-old", endpoint(|e| e.drift = some("rotate"))),
            ("secret-missing", endpoint(|e| e.secret = some("missing"))),
            ("secret-pending", endpoint(|e| e.secret = some("pending"))),
            ("endpoint-not-verified", endpoint(|e| e.problem = some("POST: status 401"))),
            ("endpoint-not-verified", found(|o| o.probes = Some(Ok(Probes::Ended(vec![probe]))))),
            ("endpoint-never-verified", endpoint(|e| e.verified_at = None)),
            ("verification-too-slow", found(|o| o.probes = Some(Ok(Probes::TooSlow)))),
            (
                "new-event-types",
                found(|o| o.event_types = Some(Ok(EventTypes { new: names(), ..EventTypes::default() }))),
            ),
            (
                "removed-event-types",
                found(|o| o.event_types = Some(Ok(EventTypes { removed: names(), ..EventTypes::default() }))),
            ),
            ("dead-letters", found(|o| o.dead_letters = Ok(one))),
            ("dead-letters", found(|o| o.dead_letters = Ok(Depth { waiting: 0, hidden: 1 }))),
            ("undelivered-job-events", found(|o| o.undelivered = Ok(one))),
            ("queue-behind", found(|o| o.queue = Ok(Depth { waiting: 1_001, hidden: 0 }))),
            ("queue-not-read", found(|o| o.polling = Some(Ok(polling("Disabled", "OK"))))),
            ("queue-reading-fails", found(|o| o.polling = Some(Ok(polling("Enabled", "PROBLEM: access denied"))))),
            ("pipe-stopped", pipe("STOPPED", "STOPPED")),
            ("pipe-stopped", pipe("RUNNING", "STOPPED")),
            ("pipe-failing", pipe("START_FAILED", "RUNNING")),
            ("alarm", alarm("ALARM", true)),
            ("alarms-muted", alarm("OK", false)),
            ("nobody-is-told", found(|o| (o.has_alarms, o.alarms) = (false, None))),
            ("deliveries-missed", missed(DAY - 1)),
            ("backfill-late", cursor(None, None, Some(900))),
            ("backfill-late", cursor(Some(995_000), None, Some(900))),
            ("backfill-late", cursor(Some(999_000), Some(995_000), Some(900))),
            ("backfill-late", cursor(None, Some(995_000), None)),
            ("not-checked", found(|o| o.heygen = Err("AccessDenied".into()))),
            ("not-checked", found(|o| o.endpoints = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.probes = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.event_types = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.queue = Err("AccessDenied".into()))),
            ("not-checked", found(|o| o.dead_letters = Err("AccessDenied".into()))),
            ("not-checked", found(|o| o.undelivered = Err("AccessDenied".into()))),
            ("not-checked", found(|o| o.polling = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.pipe = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.alarms = Some(Err("AccessDenied".into())))),
            ("not-checked", found(|o| o.cursors = Some(Err("AccessDenied".into())))),
        ]
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        assert_eq!(found(|_| {}), []);
        // Nothing runs by a schedule, so nothing is late.
        assert_eq!(cursor(None, None, None), []);
        assert_eq!(cursor(Some(5), None, None), []);
        assert_eq!(missed(DAY), [], "that was long ago");
    }

    #[test]
    fn each_fault_leads_to_its_own_finding_and_to_no_other() {
        for (code, findings) in faults() {
            let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [code], "{findings:?}");
            assert!(findings[0].message.len() > 10 && findings[0].next_step.len() > 10, "{findings:?}");
        }
    }

    #[test]
    fn the_reference_has_each_finding() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
        let reference = std::fs::read_to_string(document).unwrap();
        let table = reference.split("### Findings of doctor").nth(1).unwrap().split("\n#").next().unwrap();
        let severity = |finding: &Finding| format!("{:?}", finding.severity).to_lowercase();
        let found = faults().into_iter().flat_map(|(_, findings)| findings);
        let found: BTreeSet<_> = found.map(|one| (one.code.to_owned(), severity(&one))).collect();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        let documented: BTreeSet<_> =
            rows.map(|(code, rest)| (code.to_owned(), rest.split(" |").next().unwrap().to_owned())).collect();
        assert_eq!(documented, found);
    }

    #[test]
    fn a_text_from_outside_has_no_control_characters() {
        let findings = endpoint(|e| e.problem = some("POST\u{1b}[31m"));
        assert!(!findings[0].message.contains('\u{1b}'), "{findings:?}");
    }
}
