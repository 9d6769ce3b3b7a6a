//! admin with endpoints at other platforms, whose API is in the test's process.

use super::server::{Cut, KEY, Server, Webhook};
use crate::memory::Memory;
use admin::{Action, App, Config, Error, invocation};
use aws::env::Env;
use aws::sdk::{Sdk, Timeouts as AwsTimeouts};
use aws::secrets::EndpointSecret;
use aws::stub::{Reply, sdk};
use heygen::api::{RetryPolicy, Timeouts};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use simulator::{Options, Receiver, Simulator};
use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

pub struct Others {
    pub server: Server,
    pub config: Config,
    pub memory: Arc<Mutex<Memory>>,
    pub heygen: Simulator,
    cuts: Arc<Cuts>,
    sdk: Sdk,
    runtime: Runtime,
}

/// Ends a run at its call of this number.
#[derive(Default)]
struct Cuts {
    at: Mutex<Option<(usize, Cut)>>,
    calls: AtomicUsize,
    reached: Notify,
}

impl Cuts {
    fn call(&self) -> Cut {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        match *self.at.lock().unwrap() {
            Some((at, cut)) if at == number => {
                self.reached.notify_one();
                cut
            }
            _ => Cut::Goes,
        }
    }
}

impl Others {
    /// A deployment with these endpoints: `synthesia/main,tavus/main`.
    pub fn new(endpoints: &str) -> Self {
        let heygen = Simulator::start(Options { check_urls: false, ..Options::default() }).unwrap();
        let server = Server::start();
        let variables = |name: &str| {
            let value = match name {
                "API_URL" => "https://hooks.example.invalid",
                "ENDPOINTS" => "main",
                "SECRET_PREFIX" => "secret/",
                "CALLBACK_PREFIX" => "callback/",
                "PLATFORM_ENDPOINTS" => endpoints,
                "API_KEY_SECRET" => "api-key",
                "SYNTHESIA_API_KEY_SECRET" | "ELEVENLABS_API_KEY_SECRET" => "platform-key",
                "SYNTHESIA_BASE_URL" | "ELEVENLABS_BASE_URL" => &server.url,
                "TABLE_NAME" | "STACK" => "stack",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let config = Config {
            base_url: heygen.url(),
            settle: Duration::ZERO,
            verify: false,
            // So that a run may follow one that was cut off.
            longest_run: Duration::ZERO,
            timeouts: Timeouts { attempt: Duration::from_secs(5), ..Timeouts::default() },
            retry: RetryPolicy { attempts: 3, base: Duration::from_millis(1), ..RetryPolicy::default() },
            ..Config::read(Env::from_fn(variables)).unwrap()
        };
        let memory = Arc::new(Mutex::new(Memory::default()));
        let cuts = Arc::new(Cuts::default());
        let (aws, at) = (Arc::clone(&memory), Arc::clone(&cuts));
        let sdk = sdk(AwsTimeouts::LONG, move |operation, input| match at.call() {
            Cut::Before => Reply::Silent,
            Cut::After => {
                aws.lock().unwrap().respond(operation, &input);
                Reply::Silent
            }
            Cut::Goes => aws.lock().unwrap().respond(operation, &input),
        });
        let at = Arc::clone(&cuts);
        server.account.lock().unwrap().on_call = Some(Box::new(move || at.call()));
        memory.lock().unwrap().put("api-key", heygen.api_key());
        memory.lock().unwrap().put("platform-key", KEY);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Others { server, config, memory, heygen, cuts, sdk, runtime }
    }

    pub fn configure(&mut self, endpoints: Value) {
        self.config.endpoints_json = json!({ "endpoints": endpoints }).to_string();
    }

    pub fn app(&self) -> App {
        App::new(self.config.clone(), &self.sdk)
    }

    pub fn run(&self, action: Value) -> Result<Value, Error> {
        let reply = self.runtime.block_on(self.app().run(Action::read(action).unwrap()))?;
        Ok(reply.to_json())
    }

    pub fn sync(&self) -> Value {
        self.run(json!({"action": "sync"})).unwrap()
    }

    /// The log of a sync, metrics included.
    pub fn log_of_sync(&self) -> String {
        *LOGS;
        LINES.take();
        self.sync();
        String::from_utf8(LINES.take()).unwrap()
    }

    /// Sends the function CloudFormation's request, and returns the status of its response.
    pub fn cloudformation(&self, request_type: &str, physical_id: Option<&str>) -> (String, String) {
        let cloudformation = Receiver::start().unwrap();
        let text = include_str!("../../../../../events/cloudformation/create.json");
        let mut request: Value = serde_json::from_str(text).unwrap();
        request["RequestType"] = json!(request_type);
        request["ResponseURL"] = json!(cloudformation.url());
        request["PhysicalResourceId"] = json!(physical_id);
        let mut context = Context::default();
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(300);
        context.deadline = u64::try_from(deadline.as_millis()).unwrap();
        let app = self.app();
        self.runtime.block_on(invocation::respond(Ok(&app), LambdaEvent::new(request, context))).unwrap();
        let response: Value = serde_json::from_slice(&cloudformation.received()[0].body).unwrap();
        let field = |name: &str| response[name].as_str().unwrap_or_default().to_owned();
        (field("Status"), response.to_string())
    }

    /// Two runs at the same time.
    pub fn run_twice(&self, action: &Value) {
        let (one, two) = (self.app(), self.app());
        let run = |app: App| async move { app.run(Action::read(action.clone()).unwrap()).await };
        let (one, two) = self.runtime.block_on(futures::future::join(run(one), run(two)));
        one.and(two).unwrap();
    }

    /// Ends the run at its call of this number. False if it has no such call.
    pub fn cut(&self, action: &Value, number: usize, cut: Cut) -> bool {
        self.cuts.calls.store(0, Ordering::SeqCst);
        *self.cuts.at.lock().unwrap() = Some((number, cut));
        let app = self.app();
        let is_cut = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.cuts.reached.notified() => true,
                _ = app.run(Action::read(action.clone()).unwrap()) => false,
            }
        });
        *self.cuts.at.lock().unwrap() = None;
        is_cut
    }

    pub fn webhooks(&self) -> Vec<Webhook> {
        self.server.account.lock().unwrap().webhooks.clone()
    }

    pub fn secret(&self, name: &str) -> Option<EndpointSecret> {
        self.memory.lock().unwrap().get(name).map(|text| serde_json::from_str(text).unwrap())
    }

    pub fn stored(&self, endpoint: &str) -> EndpointSecret {
        self.secret(&format!("secret/{endpoint}")).unwrap_or_default()
    }

    pub fn url(&self, endpoint: &str) -> String {
        format!("{}/webhooks/{endpoint}", self.config.deployment.url())
    }

    pub fn calls(&self, method: &str) -> usize {
        self.server.account.lock().unwrap().calls.iter().filter(|call| call.starts_with(method)).count()
    }

    /// The only webhook with the endpoint's URL; an error unless it works, and nothing is left to do.
    pub fn settled(&self, endpoint: &str) -> Result<Webhook, String> {
        let violations = self.server.account.lock().unwrap().violations.clone();
        if !violations.is_empty() {
            return Err(format!("not as documented: {violations:?}"));
        }
        let all: Vec<_> = self.webhooks().into_iter().filter(|webhook| webhook.url == self.url(endpoint)).collect();
        let [webhook] = <[Webhook; 1]>::try_from(all).map_err(|all| format!("{} webhooks: {all:?}", all.len()))?;
        let stored = self.stored(endpoint);
        let secret = stored.current.as_ref().map(|secret| secret.as_bytes().to_vec());
        let problems = [
            (secret.as_deref() != Some(webhook.secret.as_bytes()), "its secret is not stored"),
            (stored.registered.is_none_or(|known| known.endpoint_id != webhook.id), "another one is registered"),
            (stored.pending.is_some(), "a note is left"),
            (!stored.replaced.is_empty(), "a deletion is left"),
            (webhook.is_disabled || webhook.is_auto_disabled, "it is disabled"),
            (webhook.events.is_empty(), "it gets no events"),
        ];
        match problems.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, problem)) => Err(problem.to_owned()),
            None => Ok(webhook),
        }
    }
}

thread_local! {
    /// What this thread's test has logged.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One subscriber for all threads: one per test would miss lines, because whether a line is wanted is cached.
static LOGS: LazyLock<()> = LazyLock::new(|| {
    tracing::subscriber::set_global_default(aws::telemetry::subscriber("debug", || Lines)).unwrap();
});

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The report of an endpoint in a reply.
pub fn report<'a>(reply: &'a Value, endpoint: &str) -> &'a Value {
    reply["platforms"].as_array().unwrap().iter().find(|report| report["endpoint"] == endpoint).unwrap()
}
