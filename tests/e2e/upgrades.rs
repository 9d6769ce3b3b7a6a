//! Updates of a stack while deliveries arrive: other code, other parameters, gradual deployments, and back again.

use crate::listener::Listener;
use crate::permissions::Without;
use crate::second::Second;
use crate::support::{TIMEOUT, disturbed_stack, only_event, only_job, success, unique};
use local::client::Client;
use local::stack_dir::StackDir;
use simulator::Options;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use webhook::Status;

/// Longer than the queue's visibility timeout, which is how long the messages of a processor that was replaced meanwhile wait.
const PATIENCE: Duration = Duration::from_secs(150);
/// Deliveries that have to arrive between two updates.
const BETWEEN: usize = 20;

/// What HeyGen does: it sends each delivery until the response is 200.
#[derive(Default)]
struct Sender {
    accepted: AtomicUsize,
    ends: AtomicBool,
}

#[derive(Default)]
struct Sent {
    /// `callback_id` and video of each delivery.
    jobs: Vec<(String, String)>,
    /// How many responses were not 200, by status; 0 is none at all.
    retried: BTreeMap<u16, usize>,
}

impl Sender {
    fn run(&self, client: &Client) -> Sent {
        let mut sent = Sent::default();
        while !self.ends.load(Ordering::Relaxed) {
            let (order, video) = (unique("order"), unique("video"));
            let body = success(&order, &video);
            let start = Instant::now();
            loop {
                let status = client.deliver("main", &body).map_or(0, |answer| answer.status);
                if status == 200 {
                    break;
                }
                *sent.retried.entry(status).or_default() += 1;
                assert!(start.elapsed() < TIMEOUT, "only {status} for {TIMEOUT:?}");
                thread::sleep(Duration::from_millis(100));
            }
            sent.jobs.push((order, video));
            self.accepted.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
        }
        sent
    }

    fn wait_for_more(&self, client: &Client) {
        let goal = self.accepted.load(Ordering::Relaxed) + BETWEEN;
        let more = || Ok((self.accepted.load(Ordering::Relaxed) >= goal).then_some(()));
        client.wait_for("deliveries between two updates", TIMEOUT, more).unwrap();
    }
}

/// Ends the sender also if the test fails.
struct Ends<'a>(&'a Sender);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Relaxed);
    }
}

#[test]
fn while_a_stack_is_updated_and_taken_back_no_delivery_and_no_job_event_is_lost() {
    let Some(stack) = disturbed_stack() else { return };
    let second = Second::new(&stack, Options::default());
    let next = local::deploy::upload(stack.api(), &StackDir::test(), "next.yaml", b"next").unwrap();
    let current = local::deploy::template_url(stack.api());
    let other_parameters = [
        ("Endpoints", "main,second,third"),
        ("LogLevel", "debug"),
        ("MemoryMegabytes", "512"),
        ("BatchSize", "3"),
        ("BatchWindowSeconds", "1"),
        ("ProcessorTimeoutSeconds", "15"),
        ("ProcessorConcurrency", "2"),
        ("MaxBodyBytes", "500000"),
        ("PipeLogLevel", "INFO"),
        ("Dashboards", "false"),
    ];
    let parameters = [("ProcessorTimeoutSeconds", "6")];
    let gradual = |release| [parameters[0], ("GradualDeployment", "Linear10PercentEvery1Minute"), ("Release", release)];
    let client = second.client(&stack, &second.deploy(&parameters).unwrap());
    let listener = Listener::new(&client);

    let sender = Sender::default();
    let sent = thread::scope(|scope| {
        let ends = Ends(&sender);
        let sending = scope.spawn(|| sender.run(&client));
        let update = |template: &str, parameters: &[(&str, &str)], level: &str| {
            sender.wait_for_more(&client);
            second.deploy_template(template, parameters).unwrap();
            let is_gradual = parameters.iter().any(|(name, _)| *name == "GradualDeployment");
            for function in [&client.stack().functions.receiver, &client.stack().functions.processor] {
                let invoked = if is_gradual { format!("{function}:live") } else { function.clone() };
                let variables = &client.api().function(&invoked).unwrap()["Environment"]["Variables"];
                assert_eq!(variables["LOG_LEVEL"], level, "{invoked} has the parameters of this update");
            }
            sender.wait_for_more(&client);
        };
        // Other code and other parameters, and back. Nothing can be recorded during the first update, so messages wait on the
        // queue.
        {
            let _outage = Without::new(&client, "processor", "dynamodb:PutItem", "table");
            update(&next, &other_parameters, "debug");
        }
        update(&current, &parameters, "info");
        // Gradual deployments: the first, one of other code, one of nothing but another parameter, and none again.
        update(&current, &gradual("1"), "info");
        update(&next, &gradual("2"), "info");
        update(&next, &[&gradual("2")[..], &[("LogLevel", "debug")]].concat(), "debug");
        update(&current, &parameters, "info");
        drop(ends);
        sending.join().unwrap()
    });
    println!("{} deliveries were accepted; responses other than 200: {:?}", sent.jobs.len(), sent.retried);

    for (order, _) in &sent.jobs {
        let done = || Ok(Some(client.record(order)?).filter(|record| !record.events.is_empty()));
        let record = client.wait_for("a record", PATIENCE, done).unwrap();
        assert_eq!(
            (only_event(&record).endpoint.as_str(), only_job(&record).status),
            ("main", Some(Status::Succeeded))
        );
    }
    let published = || {
        listener.listen();
        Ok(sent.jobs.iter().all(|(_, video)| !listener.events_of(video).is_empty()).then_some(()))
    };
    client.wait_for("the job events", TIMEOUT, published).unwrap();
    for (_, video) in &sent.jobs {
        assert_eq!(listener.events_of(video).len(), 1, "{video}");
    }
    assert_eq!(client.dlq_depth().unwrap().waiting, 0);
    drop(listener);
    second.delete(&stack);
}
