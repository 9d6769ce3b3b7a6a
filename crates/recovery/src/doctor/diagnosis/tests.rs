//! Each fault leads to its own finding, and to no other.

use super::*;
use crate::backfill::cursor::Missed;
use crate::doctor::alarm;
use crate::doctor::observed::{Answers, CallbackUrl, Called, Endpoint, LeftChange, PlatformEndpoint, Probe};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use webhook::Platform;

const DAY: i64 = 86_400;
const NOW: i64 = 1_000_000;

fn main() -> Endpoint {
    Endpoint {
        endpoint: Some("main".into()),
        endpoint_id: "ep_1".into(),
        status: Some("enabled".into()),
        state: "registered".into(),
        drift: None,
        secret: Some("stored".into()),
        // Two hours before now.
        secret_since: Some("1970-01-12T11:46:40Z".into()),
        verified_at: Some("2026-11-22T03:00:00Z".into()),
        problem: None,
    }
}

fn healthy() -> Observed {
    let foreign = Endpoint { endpoint: None, state: "foreign".into(), secret: None, verified_at: None, ..main() };
    let list = |list| ReadList { list, read_until: Some(999_000), scanning_until: None, missed: None };
    Observed {
        now: NOW,
        table: "table".into(),
        partition: "recovery#shop".into(),
        has_alarms: true,
        is_verifying: true,
        period: Some(900),
        delay: 900,
        heygen: Ok(HeyGen::Answers),
        clock_ahead: Some(-119),
        endpoints: Some(Ok(Endpoints { endpoints: vec![main(), foreign], ..Endpoints::default() })),
        probes: Some(Ok(Probes::Ended(vec![Probe { endpoint: "main".into(), problem: None }]))),
        event_types: Some(Ok(EventTypes::default())),
        measured: Ok(Measured { queue_age: Some(899), accepted_at: Some(999_000), ..Measured::default() }),
        queue: Ok(Depth { waiting: 3, hidden: 10 }),
        dead_letters: Ok(Depth::default()),
        undelivered: Ok(Depth::default()),
        polling: Some(Ok(polling("Enabled", "OK"))),
        pipe: Some(Ok(Pipe { name: "pipe".into(), current_state: "RUNNING".into(), desired_state: None })),
        alarms: Some(alarm::alarms(json!({"MetricAlarms": [alarm(), release_alarm()]}))),
        topic: topic(1),
        // Another list is not shown to this key.
        cursors: Some(Ok(vec![list("events"), ReadList { read_until: None, ..list("lipsyncs") }])),
        // The job that is due next.
        oldest_due: Some(Ok(Some(NOW + 60))),
        elsewhere: vec![elsewhere(Platform::Tavus), elsewhere(Platform::Synthesia)],
    }
}

/// Of admin's list, an endpoint of another platform with these changes left.
fn platform_endpoint(left: &[(&str, &str)], problem: Option<&str>) -> Vec<Finding> {
    let left = left.iter().map(|(change, reason)| LeftChange { change: (*change).into(), reason: some(reason) });
    let (endpoint, left, problem) = ("elevenlabs/main".into(), left.collect(), problem.map(str::to_owned));
    let platforms = vec![PlatformEndpoint { endpoint, left, problem }];
    listed(Endpoints { endpoints: vec![main()], platforms, ..Endpoints::default() })
}

fn elsewhere(platform: Platform) -> Elsewhere {
    let (has_endpoints, has_key, answers) = (true, true, Some(Ok(Answers::Works)));
    Elsewhere { platform, has_endpoints, has_key, answers, without_secret: Ok(Vec::new()), called: Ok(Vec::new()) }
}

fn polling(state: &str, result: &str) -> Polling {
    Polling { id: "uuid".into(), state: state.into(), last_processing_result: some(result) }
}

fn topic(receivers: u64) -> Option<Seen<Topic>> {
    Some(Ok(Topic { arn: "arn:topic".into(), receivers }))
}

fn alarm() -> Value {
    json!({
        "AlarmName": "shop-sync-failed", "StateValue": "OK", "ActionsEnabled": true, "AlarmActions": ["arn:topic"],
        "AlarmDescription": "A sync failed. What to do: docs/operations.md#sync-failed",
    })
}

/// It is meant to notify nobody.
fn release_alarm() -> Value {
    json!({"AlarmName": "shop-receiver-release", "StateValue": "OK", "ActionsEnabled": true, "AlarmActions": []})
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
    let missed = Some(Missed { count: 3, at: NOW - ago });
    let list = ReadList { list: "videos", read_until: Some(999_000), scanning_until: None, missed };
    found(|o| o.cursors = Some(Ok(vec![list])))
}

fn pipe(current: &str, desired: &str) -> Vec<Finding> {
    let pipe = Pipe { name: "pipe".into(), current_state: current.into(), desired_state: Some(desired.into()) };
    found(|o| o.pipe = Some(Ok(pipe)))
}

/// With an alarm that differs in this.
fn alarming(field: &str, value: Value) -> Vec<Finding> {
    let mut alarm = alarm();
    alarm[field] = value;
    found(|o| o.alarms = Some(alarm::alarms(json!({"MetricAlarms": [alarm]}))))
}

fn measured(change: impl FnOnce(&mut Measured)) -> Vec<Finding> {
    let mut measured = Measured::default();
    change(&mut measured);
    found(|o| o.measured = Ok(measured))
}

/// Deliveries were rejected half an hour ago, and `accepted` ago the last one was accepted.
fn mismatched(accepted: Option<i64>, endpoints: Option<Seen<Endpoints>>) -> Vec<Finding> {
    let accepted_at = accepted.map(|ago| NOW - ago);
    let measured = Measured { mismatched_at: Some(NOW - 1_800), accepted_at, ..Measured::default() };
    found(|o| (o.measured, o.endpoints) = (Ok(measured), endpoints))
}

fn endpoints(all: &[Endpoint]) -> Option<Seen<Endpoints>> {
    Some(Ok(Endpoints { endpoints: all.to_vec(), ..Endpoints::default() }))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn second() -> Endpoint {
    Endpoint { endpoint: Some("second".into()), ..main() }
}

/// With a platform that differs in this.
fn platform(change: impl FnOnce(&mut Elsewhere)) -> Vec<Finding> {
    let mut one = elsewhere(Platform::Did);
    change(&mut one);
    found(|o| o.elsewhere = vec![elsewhere(Platform::ElevenLabs), one])
}

fn answering(answers: Answers) -> Vec<Finding> {
    platform(|p| p.answers = Some(Ok(answers)))
}

/// With two jobs of such a callback URL.
fn called(url: CallbackUrl) -> Vec<Finding> {
    let of = |job: &str| Called { job: job.to_owned(), url };
    platform(|p| p.called = Ok(vec![of("order_1"), of("order\u{1b}2")]))
}

/// Each fault, with the one finding that it has to lead to.
fn faults() -> Vec<(&'static str, Vec<Finding>)> {
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
        ("platform-key-missing", answering(Answers::KeyMissing)),
        ("platform-key-unusable", answering(Answers::Unusable)),
        ("platform-key-rejected", answering(Answers::Rejected)),
        ("platform-no-credit", answering(Answers::Payment)),
        ("platform-rate-limited", answering(Answers::Limited)),
        ("platform-unreachable", answering(Answers::Unreachable)),
        ("callbacks-without-key", platform(|p| (p.has_key, p.answers) = (false, None))),
        ("platform-without-key", platform(|p| (p.platform, p.has_key, p.answers) = (Platform::Synthesia, false, None))),
        ("callback-secret-missing", platform(|p| p.without_secret = Ok(vec!["did/main".to_owned()]))),
        ("callback-url-elsewhere", called(CallbackUrl::Elsewhere)),
        ("callback-url-refused", called(CallbackUrl::Refused)),
        ("callback-url-of-another-job", called(CallbackUrl::OfAnotherJob)),
        ("callback-url-missing", called(CallbackUrl::Absent)),
        ("not-checked", platform(|p| p.called = Err("AccessDenied".into()))),
        ("no-endpoints", listed(Endpoints::default())),
        ("endpoint-missing", listed(Endpoints { missing: vec!["second".into()], ..Endpoints::default() })),
        ("platform-endpoint-unknown", platform_endpoint(&[], Some("no ElevenLabs API key"))),
        ("platform-endpoint-disabled", platform_endpoint(&[("update", "disabled")], None)),
        ("platform-endpoint-out-of-sync", platform_endpoint(&[("create", "gone"), ("delete", "replaced")], None)),
        ("endpoints-unreadable", listed(Endpoints { endpoints: vec![main()], unreadable: 2, ..Endpoints::default() })),
        ("endpoint-disabled", endpoint(|e| (e.status, e.drift) = (some("disabled"), some("replace")))),
        ("endpoint-duplicate", endpoint(|e| e.state = "duplicate".into())),
        ("endpoint-not-configured", endpoint(|e| e.state = "not_configured".into())),
        ("endpoint-not-configured", endpoint(|e| e.drift = some("delete"))),
        ("endpoint-not-registered-here", endpoint(|e| e.state = "unknown".into())),
        ("endpoint-differs", endpoint(|e| e.drift = some("update"))),
        ("secret-old", endpoint(|e| e.drift = some("rotate"))),
        ("secret-missing", endpoint(|e| (e.secret, e.drift) = (some("missing"), some("rotate")))),
        ("secret-pending", endpoint(|e| e.secret = some("pending"))),
        ("endpoint-not-verified", endpoint(|e| e.problem = some("POST: status 401"))),
        ("endpoint-not-verified", found(|o| o.probes = Some(Ok(Probes::Ended(vec![probe]))))),
        ("endpoint-never-verified", endpoint(|e| e.verified_at = None)),
        ("verification-too-slow", found(|o| o.probes = Some(Ok(Probes::TooSlow)))),
        ("new-event-types", found(|o| o.event_types = Some(Ok(EventTypes { new: names(), ..EventTypes::default() })))),
        (
            "removed-event-types",
            found(|o| o.event_types = Some(Ok(EventTypes { removed: names(), ..EventTypes::default() }))),
        ),
        ("clock-skew", found(|o| o.clock_ahead = Some(121))),
        ("clock-skew", found(|o| o.clock_ahead = Some(-121))),
        ("secret-wrong", mismatched(None, endpoints(&[main()]))),
        ("secret-wrong", mismatched(Some(3_600), endpoints(&[main(), second()]))),
        ("secret-wrong", mismatched(None, None)),
        ("unreadable-bodies", measured(|m| m.unreadable_bodies = 1)),
        ("unknown-event-types", measured(|m| m.unknown_event_types = 1)),
        ("dead-letters", found(|o| o.dead_letters = Ok(one))),
        ("dead-letters", found(|o| o.dead_letters = Ok(Depth { waiting: 0, hidden: 1 }))),
        ("undelivered-job-events", found(|o| o.undelivered = Ok(one))),
        ("queue-behind", found(|o| o.queue = Ok(Depth { waiting: 1_001, hidden: 0 }))),
        ("queue-behind", found(|o| o.queue = Ok(Depth { waiting: 1, hidden: 1_000 }))),
        ("queue-old", measured(|m| m.queue_age = Some(901))),
        ("queue-old", measured(|m| (m.queue_age, m.retried_for) = (Some(3), Some(901)))),
        ("queue-not-read", found(|o| o.polling = Some(Ok(polling("Disabled", "OK"))))),
        ("queue-reading-fails", found(|o| o.polling = Some(Ok(polling("Enabled", "PROBLEM: access denied"))))),
        ("pipe-stopped", pipe("STOPPED", "STOPPED")),
        ("pipe-stopped", pipe("RUNNING", "STOPPED")),
        ("pipe-failing", pipe("START_FAILED", "RUNNING")),
        ("alarm", alarming("StateValue", json!("ALARM"))),
        ("alarms-muted", alarming("ActionsEnabled", json!(false))),
        ("alarm-without-receiver", alarming("AlarmActions", json!([]))),
        ("alarm-email-unconfirmed", found(|o| o.topic = topic(0))),
        ("not-checked", found(|o| o.topic = Some(Err("AuthorizationError".into())))),
        ("nobody-is-told", found(|o| (o.has_alarms, o.alarms) = (false, None))),
        ("deliveries-missed", missed(DAY - 1)),
        ("backfill-late", cursor(None, None, Some(900))),
        ("backfill-late", cursor(Some(995_000), None, Some(900))),
        ("backfill-late", cursor(Some(999_000), Some(995_000), Some(900))),
        ("backfill-late", cursor(None, Some(995_000), None)),
        ("cursor-ahead", cursor(Some(NOW + 301), None, Some(900))),
        ("sweep-late", found(|o| o.oldest_due = Some(Ok(Some(NOW - 5_401))))),
        ("not-checked", found(|o| o.measured = Err("AccessDenied".into()))),
        ("not-checked", found(|o| o.oldest_due = Some(Err("AccessDenied".into())))),
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
    assert_eq!(cursor(Some(NOW + 300), None, Some(900)), [], "clocks differ by seconds");
    assert_eq!(
        found(|o| (o.oldest_due, o.period) = (Some(Ok(Some(0))), None)),
        [],
        "no schedule looks at tracked jobs"
    );
    assert_eq!(found(|o| o.oldest_due = Some(Ok(Some(NOW - 5_400)))), []);
    let empty = |o: &mut Observed| (o.queue, o.measured) = (Ok(Depth::default()), Ok(old_queue()));
    assert_eq!(found(empty), [], "an empty queue has no age");
}

fn old_queue() -> Measured {
    Measured { queue_age: Some(9_000), retried_for: Some(9_000), dead_letter_age: Some(9_000), ..Measured::default() }
}

#[test]
fn a_secret_is_wrong_only_if_nothing_was_accepted_and_it_was_not_rotated_since() {
    assert_eq!(mismatched(Some(1_800), endpoints(&[main()])), [], "in the same minute");
    let rotated = Endpoint { secret_since: some("1970-01-12T13:46:00Z"), ..main() };
    assert_eq!(mismatched(None, endpoints(std::slice::from_ref(&rotated))), []);
    let of = |all: &[Endpoint]| mismatched(None, endpoints(all)).remove(0);
    // One was rotated, so it is the other; of two, a person has to look which.
    let request = of(&[second(), rotated]).request.unwrap();
    assert_eq!(request.payload, json!({"action": "rotate", "endpoint": "second"}));
    let either = of(&[main(), second()]);
    assert!(either.request.is_none() && either.next_step.contains("Rejected deliveries"), "{either:?}");
    let unknown_age = Endpoint { secret_since: None, ..main() };
    assert_eq!(of(&[unknown_age]).code, "secret-wrong");
}

#[test]
fn where_lambda_cannot_reach_the_url_a_missing_probe_is_no_fault() {
    for change in [|e: &mut Endpoint| e.verified_at = None, |e: &mut Endpoint| e.problem = some("POST: timed out")] {
        let mut endpoint = main();
        change(&mut endpoint);
        let list = endpoints(&[endpoint]);
        assert_eq!(found(|o| (o.is_verifying, o.probes, o.endpoints) = (false, None, list)), []);
    }
}

#[test]
fn the_next_step_has_the_request_and_the_age_of_dead_letters_is_told() {
    for (_, findings) in faults() {
        let Finding { next_step, request, .. } = &findings[0];
        if let Some(request) = request {
            assert!(next_step.contains(&request.payload.to_string()), "{findings:?}");
        }
    }
    let one = Ok(Depth { waiting: 1, hidden: 0 });
    let found = found(|o| (o.dead_letters, o.measured) = (one, Ok(old_queue())));
    assert!(found[0].message.contains("the oldest is 2 hours old"), "{found:?}");
}

#[test]
fn a_list_of_another_platform_is_called_that_platforms() {
    let list = ReadList { list: "synthesia.video", read_until: Some(1_000), scanning_until: None, missed: None };
    let found = found(|o| (o.cursors, o.period) = (Some(Ok(vec![list])), Some(900)));
    assert!(found[0].message.starts_with("Synthesia's list of video: it was not read"), "{found:?}");
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
fn each_local_command_is_one_of_make_with_variables_that_it_reads() {
    let makefile = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Makefile")).unwrap();
    let steps: Vec<_> = faults().into_iter().map(|(_, findings)| findings[0].next_step.clone()).collect();
    let commands: BTreeSet<_> =
        steps.iter().flat_map(|step| step.split('`').filter_map(|part| part.strip_prefix("make "))).collect();
    assert!(commands.len() > 7, "{commands:?}");
    for command in commands {
        let mut words = command.split(' ');
        let (target, recipe) = (words.next().unwrap(), format!("\n{}:", command.split(' ').next().unwrap()));
        let recipe =
            makefile.split(&recipe).nth(1).unwrap_or_else(|| panic!("make {target}")).split("\n\n").next().unwrap();
        for variable in words.map(|word| word.split('=').next().unwrap()) {
            assert!(recipe.contains(&format!("$({variable})")), "make {target} does not read {variable}");
        }
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

#[test]
fn one_finding_names_all_jobs_whose_callbacks_go_astray_in_the_same_way() {
    let findings = called(CallbackUrl::Elsewhere);
    assert!(findings[0].message.contains("D-ID's jobs order_1, order") && findings.len() == 1, "{findings:?}");
    assert!(!findings[0].message.contains('\u{1b}'), "{findings:?}");
    assert_eq!(called(CallbackUrl::Ours), []);
}
