//! Synthesia, ElevenLabs, Tavus and D-ID beside HeyGen, on a stack of their own.

use crate::second::Second;
use crate::support::{Stack, TIMEOUT, disturbed_stack, unique};
use aws::jobs::JobItem;
use local::client::Client;
use local::{platforms, recovery};
use serde_json::{Value, json};
use simulator::{Disturbance, Ends, JobKind, JobOutcome, Options, Product, Remote, StartJob};
use std::time::Duration;
use webhook::callback::Callback;
use webhook::{Platform, Secret, Status};

/// A second stack with an endpoint and a key of every platform.
pub struct Platforms<'a> {
    stack: &'a Stack,
    pub second: Second,
    pub client: Client,
}

impl<'a> Platforms<'a> {
    pub fn deploy(stack: &'a Stack, others: &[(&str, &str)]) -> Self {
        let second = Second::new(stack, Options::default());
        let sites = platforms::sites(&Remote::new(second.heygen.access())).unwrap();
        let name = |site: &platforms::Site| format!("{}-{}", second.name, site.key.1);
        let names: Vec<_> = sites.iter().map(name).collect();
        for (site, name) in sites.iter().zip(&names) {
            let create = async |secrets: &aws_sdk_secretsmanager::Client| {
                secrets.create_secret().name(name).secret_string(&site.api_key).send().await
            };
            stack.secrets(create).unwrap();
        }
        let endpoints = platforms::endpoints();
        let mut parameters = vec![
            ("Endpoints", "main"),
            ("PlatformEndpoints", &endpoints),
            ("BackfillDelayMinutes", "0"),
            // Recovery runs when a test asks for it.
            ("RecoverySchedule", "rate(365 days)"),
        ];
        for (site, name) in sites.iter().zip(&names) {
            parameters.extend([(site.key.0, name.as_str()), (site.base_url.0, site.base_url.1.as_str())]);
        }
        parameters.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
        parameters.extend(others);
        let client = second.client(stack, &second.deploy(&parameters).unwrap());
        Platforms { stack, second, client }
    }

    fn start(&self, product: Product, order: &str, outcome: JobOutcome, disturbance: Option<Disturbance>) -> String {
        let ends = Ends::After(Duration::ZERO);
        platforms::start(&self.client, product, order, outcome, ends, disturbance).unwrap()
    }

    pub fn ask(&self, request: &Value) -> Value {
        recovery::ask(self.client.stack(), request).unwrap()
    }

    /// The job about this entity, once it has ended.
    fn ended(&self, order: &str, entity_id: &str) -> JobItem {
        let ended = || {
            let jobs = self.client.record(order)?.jobs;
            let has_ended = |job: &JobItem| job.status.is_some_and(|status| status != Status::Pending);
            Ok(jobs.into_iter().find(|job| job.entity_id == entity_id && has_ended(job)))
        };
        self.client.wait_for("the job to end", TIMEOUT, ended).unwrap()
    }

    pub fn delete(self) {
        self.second.delete(self.stack);
    }
}

#[test]
fn a_job_of_every_platform_is_recorded_under_its_order_whether_its_webhook_came_or_was_lost() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let (products, order) = (local::platforms::products(), unique("all"));
    let heygens = StartJob {
        kind: JobKind::Video,
        callback_id: Some(order.clone()),
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::ZERO),
        disturbance: None,
    };
    platforms.second.heygen.start_jobs(vec![heygens]);
    for product in products.iter().copied() {
        let id = platforms.start(product, &order, JobOutcome::Succeeds, None);
        let job = platforms.ended(&order, &id);
        assert_eq!((job.kind.as_str(), job.status), (platforms::job_kind(product), Some(Status::Succeeded)));
        assert_eq!((job.platform, job.callback_id.as_deref()), (product.platform(), Some(order.as_str())));
        assert!(!job.links.is_empty(), "{}", job.kind);
    }
    let explained = platforms.ask(&json!({"action": "explain", "callback_id": order}));
    let text = explained["text"].as_str().unwrap();
    for kind in ["avatar_video"].into_iter().chain(products.iter().copied().map(local::platforms::job_kind)) {
        assert!(text.contains(kind), "{kind} is missing in\n{text}");
    }

    // Failed ones, and those of which nothing ever came.
    let lost = unique("lost");
    let mut ids = Vec::new();
    for product in products.iter().copied() {
        let failed = platforms.start(product, &lost, JobOutcome::Fails("a reason".to_owned()), None);
        assert_eq!(platforms.ended(&lost, &failed).status, Some(Status::Failed), "{}", product.name());
        ids.push(platforms.start(product, &lost, JobOutcome::Succeeds, Some(Disturbance::Lost)));
    }
    // The tracked jobs are due.
    std::thread::sleep(Duration::from_secs(6));
    platforms.ask(&json!({"action": "recover"}));
    for (product, id) in products.iter().zip(&ids) {
        assert_eq!(platforms.ended(&lost, id).status, Some(Status::Succeeded), "{}", product.name());
    }
    platforms.delete();
}

#[test]
fn a_forged_callback_changes_nothing_that_the_platform_does_not_say_and_a_guessed_one_asks_nothing() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let order = unique("forged");
    let tracked = |kind: &str| {
        let track = json!({"action": "track", "callback_id": order, "kind": kind});
        platforms.ask(&track)["callback_url"].as_str().unwrap().to_owned()
    };
    let path = |url: &str| format!("/webhooks/{}", url.split_once("/webhooks/").unwrap().1);
    let calls = |platform: Platform| platforms.second.heygen.api(platform).calls().len();
    let post = |path: &str, body: &str| platforms.client.request("POST", path, &[], body.as_bytes()).unwrap().status;

    // Running, whatever the callback says.
    let url = tracked("did.talk");
    let job = StartJob {
        kind: Product::DidTalk.calling(url.clone()),
        callback_id: Some(order.clone()),
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::from_secs(3_600)),
        disturbance: None,
    };
    let id = platforms.second.heygen.start_jobs(vec![job]).concat();
    let forged = json!({"id": id, "status": "done", "result_url": "https://evil.example/a.mp4"}).to_string();
    for _ in 0..20 {
        assert_eq!(post(&path(&url), &forged), 200);
    }
    let asked = || Ok((calls(Platform::Did) > 0).then_some(()));
    platforms.client.wait_for("the platform to be asked", TIMEOUT, asked).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert!(calls(Platform::Did) <= 2, "{} calls", calls(Platform::Did));
    let record = platforms.client.record(&order).unwrap();
    assert!(record.jobs.iter().all(|job| job.status != Some(Status::Succeeded)), "{:?}", record.jobs);
    assert!(!format!("{:?}", record.jobs).contains("evil"));

    // What is in the log has neither a token nor anything of the body.
    let token = url.rsplit('/').next().unwrap();
    let logged = || {
        let lines = platforms.client.logs(0)?;
        let has = |metric: &str| lines.iter().any(|line| line.text.contains(&format!("\"{metric}\":1")));
        Ok((has("Callbacks") && has("Confirmations")).then_some(lines))
    };
    let lines = platforms.client.wait_for("the metrics of callbacks", TIMEOUT, logged).unwrap();
    assert!(lines.iter().all(|line| !line.text.contains(token) && !line.text.contains("evil")));

    // Guessed, and of another job.
    let before = calls(Platform::Tavus);
    let wrong = Callback {
        platform: Platform::Tavus,
        endpoint: "main".to_owned(),
        kind: "video".to_owned(),
        correlation: order.clone(),
    };
    let guessed = wrong.path(&Secret::new("guessed").unwrap());
    let foreign = path(&tracked("tavus.replica")).replace("/replica/", "/video/");
    for path in [guessed, foreign] {
        assert_eq!(post(&path, r#"{"video_id": "v1"}"#), 404);
    }
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(calls(Platform::Tavus), before);
    platforms.delete();
}

#[test]
fn a_callback_of_heygens_is_confirmed_as_those_of_the_others() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let order = unique("heygen");
    let track = json!({"action": "track", "callback_id": order, "kind": "avatar_video"});
    let url = platforms.ask(&track)["callback_url"].as_str().unwrap().to_owned();
    assert!(url.contains("/webhooks/heygen/main/avatar_video/"), "{url}");
    let job = StartJob {
        kind: JobKind::Video,
        callback_id: Some(order.clone()),
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::ZERO),
        disturbance: Some(Disturbance::Lost),
    };
    let id = platforms.second.heygen.start_jobs(vec![job]).concat();
    let body =
        json!({"event_type": "avatar_video.fail", "event_data": {"video_id": id, "url": "https://evil.example/"}});
    let path = format!("/webhooks/{}", url.split_once("/webhooks/").unwrap().1);
    let sent = platforms.client.request("POST", &path, &[], body.to_string().as_bytes()).unwrap();
    assert_eq!(sent.status, 200);
    let job = platforms.ended(&order, &id);
    assert_eq!((job.status, job.platform), (Some(Status::Succeeded), Platform::HeyGen));
    assert!(!job.links.is_empty() && !job.links.values().any(|link| link.contains("evil")));
    let events = platforms.client.record(&order).unwrap().events;
    assert_eq!(events.iter().map(|event| event.via.as_str()).collect::<Vec<_>>(), ["confirm"]);
    platforms.delete();
}

#[test]
fn the_doctor_says_which_platform_has_no_working_key() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[("TavusApiKeySecret", "")]);
    let health = platforms.ask(&json!({"action": "doctor"}));
    let findings = health["findings"].as_array().unwrap();
    let about = |platform: &str| findings.iter().filter(|finding| finding.to_string().contains(platform)).count();
    assert!(about("Tavus") >= 1 && about("Synthesia") == 0, "{}", health["text"]);
    platforms.delete();
}

#[test]
fn the_doctor_finds_a_webhook_that_its_platform_has_disabled_and_what_it_says_mends_it() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let found = || -> Option<Value> {
        let health = platforms.ask(&json!({"action": "doctor"}));
        let findings = health["findings"].as_array().unwrap().clone();
        findings.into_iter().find(|finding| finding["code"].as_str().unwrap().starts_with("platform-endpoint"))
    };
    assert_eq!(found(), None);
    let elevenlabs = platforms.second.heygen.api(Platform::ElevenLabs);
    let webhook = elevenlabs.webhooks().remove(0);
    let disable = |webhook: &mut simulator::Webhook| {
        (webhook.workspace.is_disabled, webhook.workspace.is_auto_disabled) = (true, true);
    };
    assert!(elevenlabs.change_webhook(&webhook.id, disable));
    let finding = found().unwrap();
    assert_eq!(finding["code"], "platform-endpoint-disabled", "{finding}");
    local::admin::ask(platforms.client.stack(), &finding["request"]["payload"]).unwrap();
    assert!(!elevenlabs.webhooks()[0].workspace.is_disabled);
    assert_eq!(found(), None);
    platforms.delete();
}
