//! Synthesia, ElevenLabs, Tavus and D-ID beside HeyGen, on a stack of their own.

use crate::second::Second;
use crate::support::{Stack, TIMEOUT, disturbed_stack, unique};
use aws::jobs::JobItem;
use local::client::Client;
use local::{platforms, recovery};
use serde_json::{Value, json};
use simulator::{CallbackUrl, Disturbance, Ends, JobKind, JobOutcome, Options, Product, Remote, StartJob};
use std::thread;
use std::time::Duration;
use webhook::{Platform, Status};

/// After that, a job that was started with [`Platforms::start`] is due.
pub const DUE: Duration = Duration::from_secs(6);

/// A job of HeyGen's that succeeds at once.
fn soon(kind: JobKind, order: &str) -> StartJob {
    StartJob {
        kind,
        callback_id: Some(order.to_owned()),
        callback_url: None,
        outcome: JobOutcome::Succeeds,
        ends: Ends::After(Duration::ZERO),
        disturbance: None,
    }
}

/// A second stack with an endpoint and a key of every platform.
pub struct Platforms<'a> {
    stack: &'a Stack,
    pub second: Second,
    pub client: Client,
}

impl<'a> Platforms<'a> {
    pub fn deploy(stack: &'a Stack, others: &[(&str, &str)]) -> Self {
        Platforms::deploy_with(stack, Options::default(), others)
    }

    /// With platforms that behave like this.
    pub fn deploy_with(stack: &'a Stack, options: Options, others: &[(&str, &str)]) -> Self {
        let second = Second::new(stack, options);
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

    pub fn start(
        &self,
        product: Product,
        order: &str,
        outcome: JobOutcome,
        disturbance: Option<Disturbance>,
    ) -> String {
        let ends = Ends::After(Duration::ZERO);
        platforms::start(&self.client, product, order, outcome, ends, disturbance).unwrap()
    }

    pub fn ask(&self, request: &Value) -> Value {
        recovery::ask(self.client.stack(), request).unwrap()
    }

    /// Tracks a job, and returns the URL for its callback.
    pub fn callback_url(&self, order: &str, kind: &str) -> String {
        let track = json!({"action": "track", "callback_id": order, "kind": kind});
        self.ask(&track)["callback_url"].as_str().unwrap().to_owned()
    }

    /// The status of the response to a callback.
    pub fn call_back(&self, url: &str, body: &str) -> u16 {
        let path = format!("/webhooks/{}", url.split_once("/webhooks/").unwrap().1);
        self.client.request("POST", &path, &[], body.as_bytes()).unwrap().status
    }

    /// How the events of an entity came here, in any order.
    pub fn vias(&self, order: &str, entity_id: &str) -> Vec<String> {
        let events = self.client.record(order).unwrap().events.into_iter();
        events.filter(|event| event.entity_id.as_deref() == Some(entity_id)).map(|event| event.via).collect()
    }

    /// The job about this entity, once it has ended.
    pub fn ended(&self, order: &str, entity_id: &str) -> JobItem {
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
    let (products, order) = (platforms::products(), unique("all"));
    let id = platforms.second.heygen.start_jobs(vec![soon(JobKind::Video, &order)]).concat();
    platforms.ended(&order, &id);
    let mut jobs = vec![format!("avatar_video {id}: succeeded")];
    for product in products.iter().copied() {
        let id = platforms.start(product, &order, JobOutcome::Succeeds, None);
        let job = platforms.ended(&order, &id);
        assert_eq!((job.kind.as_str(), job.status), (platforms::job_kind(product), Some(Status::Succeeded)));
        assert_eq!((job.platform, job.callback_id.as_deref()), (product.platform(), Some(order.as_str())));
        assert!(!job.links.is_empty(), "{}", job.kind);
        let via = if product.platform().takes_callback_urls() { "confirm" } else { "delivery" };
        assert_eq!(platforms.vias(&order, &id), [via], "{}", job.kind);
        jobs.push(format!("{} {id}: succeeded", job.kind));
    }
    let explained = platforms.ask(&json!({"action": "explain", "callback_id": order}));
    let text = explained["text"].as_str().unwrap();
    // Further down is what the platforms say.
    let (recorded, _) = text.split_once("\nEvents, as they were received\n").unwrap();
    for job in jobs {
        assert!(recorded.contains(&job), "{job} is missing in\n{text}");
    }

    // Failed ones, and those of which nothing ever came.
    let lost = unique("lost");
    let mut ids = Vec::new();
    for product in products.iter().copied() {
        let failed = platforms.start(product, &lost, JobOutcome::Fails("a reason".to_owned()), None);
        assert_eq!(platforms.ended(&lost, &failed).status, Some(Status::Failed), "{}", product.name());
        ids.push(platforms.start(product, &lost, JobOutcome::Succeeds, Some(Disturbance::Lost)));
    }
    thread::sleep(DUE);
    for id in &ids {
        assert_eq!(platforms.vias(&lost, id), [""; 0]);
    }
    platforms.ask(&json!({"action": "recover"}));
    for (product, id) in products.iter().zip(&ids) {
        assert_eq!(platforms.ended(&lost, id).status, Some(Status::Succeeded), "{}", product.name());
        assert_eq!(platforms.vias(&lost, id), ["sweep"], "{}", product.name());
    }
    platforms.delete();
}

#[test]
fn a_callback_of_heygens_is_confirmed_as_those_of_the_others() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[]);
    let heygen = &platforms.second.heygen;
    // So that a callback alone reports a job.
    for endpoint in heygen.endpoints() {
        assert!(heygen.disable(&endpoint.endpoint_id));
    }
    for kind in [JobKind::Video, JobKind::Translation("Spanish".to_owned())] {
        let (name, order) = (kind.name(), unique("heygen"));
        let url = platforms.callback_url(&order, name);
        assert!(url.contains(&format!("/webhooks/heygen/main/{name}/")), "{url}");
        let job = StartJob { callback_url: Some(CallbackUrl(url)), ..soon(kind, &order) };
        let id = heygen.start_jobs(vec![job]).concat();
        let job = platforms.ended(&order, &id);
        assert_eq!((job.status, job.platform, job.kind.as_str()), (Some(Status::Succeeded), Platform::HeyGen, name));
        assert!(!job.links.is_empty());
        assert_eq!(platforms.vias(&order, &id), ["confirm"]);
        let called = heygen.deliveries().into_iter().find(|delivery| delivery.endpoint_id == id).unwrap();
        assert_eq!(called.attempts.iter().map(|attempt| attempt.status).collect::<Vec<_>>(), [Some(200)]);
    }

    // What a callback says of a job counts for nothing.
    let order = unique("forged");
    let url = platforms.callback_url(&order, "avatar_video");
    let id = heygen.start_jobs(vec![soon(JobKind::Video, &order)]).concat();
    let body =
        json!({"event_type": "avatar_video.fail", "event_data": {"video_id": id, "url": "https://evil.example/"}});
    assert_eq!(platforms.call_back(&url, &body.to_string()), 200);
    let job = platforms.ended(&order, &id);
    assert_eq!(job.status, Some(Status::Succeeded));
    assert!(!job.links.is_empty() && !job.links.values().any(|link| link.contains("evil")));
    assert_eq!(platforms.vias(&order, &id), ["confirm"]);
    platforms.delete();
}

#[test]
fn the_doctor_says_which_platform_has_no_working_key() {
    let Some(stack) = disturbed_stack() else { return };
    let platforms = Platforms::deploy(&stack, &[("TavusApiKeySecret", "")]);
    let health = platforms.ask(&json!({"action": "doctor"}));
    let findings = health["findings"].as_array().unwrap();
    let without_key: Vec<_> = findings.iter().filter(|finding| finding["code"] == "callbacks-without-key").collect();
    assert!(matches!(without_key[..], [one] if one.to_string().contains("Tavus")), "{}", health["text"]);
    for other in ["Synthesia", "ElevenLabs", "D-ID"] {
        assert!(!findings.iter().any(|finding| finding.to_string().contains(other)), "{}", health["text"]);
    }
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
