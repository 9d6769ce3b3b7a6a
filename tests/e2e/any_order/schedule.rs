//! Events recorded side by side, with the order of their calls under control.

use super::pool::Sent;
use super::table::KEEP;
use crate::support::Stack;
use aws::sdk::Sdk;
use aws::table::Table;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::runtime::Builder;
use tokio::time::Instant;

/// Schedules of one set of events, one after the other: which of those that wait makes its next call.
pub struct Schedules {
    /// The choice at each step, and how many there were.
    choices: Vec<(usize, usize)>,
    /// How many random ones are left; all are taken in turn if there is no such number.
    random: Option<usize>,
}

impl Schedules {
    pub fn all() -> Self {
        Schedules { choices: Vec::new(), random: None }
    }

    pub fn random(count: usize) -> Self {
        Schedules { choices: Vec::new(), random: Some(count) }
    }

    /// Sets up the next schedule. False if there is none.
    pub fn next(&mut self) -> bool {
        if let Some(left) = &mut self.random {
            *left -= 1;
            return *left > 0;
        }
        while let Some((choice, of)) = self.choices.pop() {
            if choice + 1 < of {
                self.choices.push((choice + 1, of));
                return true;
            }
        }
        false
    }

    fn choose(&mut self, step: usize, of: usize) -> usize {
        if self.random.is_some() {
            return fastrand::usize(..of);
        }
        if step == self.choices.len() {
            self.choices.push((0, of));
        }
        assert_eq!(self.choices[step].1, of, "the same calls lead to the same choice");
        self.choices[step].0
    }
}

/// Holds each call until its turn. It blocks its thread, which is the worker's own.
#[derive(Debug)]
struct Gate {
    worker: usize,
    arrived: Sender<(usize, bool)>,
    go: Mutex<Receiver<()>>,
}

impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), aws_sdk_dynamodb::error::BoxError> {
        self.arrived.send((self.worker, false))?;
        Ok(self.go.lock().unwrap().recv()?)
    }
}

/// Records the events side by side; one call at a time, in the order of the schedule. Returns who called when.
pub fn interleaved(stack: &Stack, sent: &[Sent], schedules: &mut Schedules) -> Vec<usize> {
    let (arrived, arrivals) = channel();
    let mut taken = Vec::new();
    thread::scope(|scope| {
        let mut gates = Vec::new();
        for (worker, sent) in sent.iter().enumerate() {
            let (go, gate) = channel();
            gates.push(go);
            let gate = Gate { worker, arrived: arrived.clone(), go: Mutex::new(gate) };
            let (arrived, name) = (arrived.clone(), stack.stack().table.clone());
            // Connections of its own: those of another runtime are not served while that one is idle.
            let stack = stack.stack();
            let credentials = stack.aws_credentials().unwrap();
            let client = Sdk::new(&stack.region, stack.aws_endpoint.as_deref(), credentials).dynamodb();
            scope.spawn(move || {
                let config = client.config().to_builder().interceptor(gate).build();
                let table = Table::new(aws_sdk_dynamodb::Client::from_conf(config), name, KEEP);
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                let recorded = runtime.block_on(async {
                    let deadline = Instant::now() + Duration::from_secs(20);
                    table.record(&sent.delivery, &sent.event, OffsetDateTime::now_utc(), deadline).await
                });
                arrived.send((worker, true)).unwrap();
                recorded.unwrap();
            });
        }
        let (mut waiting, mut running) = (Vec::new(), sent.len());
        for step in 0.. {
            // Everybody is before a call, or done.
            while running > 0 {
                let (worker, is_done) = arrivals.recv().unwrap();
                running -= 1;
                waiting.extend((!is_done).then_some(worker));
            }
            if waiting.is_empty() {
                break;
            }
            waiting.sort_unstable();
            let next = waiting.remove(schedules.choose(step, waiting.len()));
            taken.push(next);
            gates[next].send(()).unwrap();
            running = 1;
        }
    });
    taken
}
