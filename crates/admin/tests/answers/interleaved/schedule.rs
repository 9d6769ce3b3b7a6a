//! Carries out the calls of several runs, one at a time, in an order that is chosen call by call. At most so many calls
//! fail, in each way in which a call can fail.

use super::choices::Choices;
use super::run::{Answer, Call, End, Event, start};
use crate::world::World;
use serde_json::Value;
use simulator::http::Http;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use time::Duration as Span;

/// What a schedule may contain.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How often another run continues although this one could.
    pub preemptions: usize,
    /// How many calls fail.
    pub failures: usize,
    /// Whether runs take turns.
    pub lease: bool,
    /// Whether a call fails although all other runs have ended: what follows is no matter of two runs.
    pub alone: bool,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Failure {
    /// It is carried out, and its response is lost.
    Response,
    /// It is carried out later, if at all while the schedule lasts, and has no response.
    Late,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    Lives,
    Dies,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(usize),
    Fail(usize, Failure, Caller),
    /// A late call arrives.
    Arrives,
}

enum State {
    Busy,
    Waits(Call, Sender<Answer>),
    Ended,
}

pub struct Schedule<'a> {
    world: &'a World,
    http: &'a Http,
    bounds: Bounds,
    states: Vec<State>,
    begun: Vec<bool>,
    /// The run whose call came last.
    current: usize,
    late: Vec<Call>,
    pub history: Vec<String>,
    /// Whether a run failed with an error that may pass.
    pub disturbed: bool,
}

impl<'a> Schedule<'a> {
    /// Runs the function once with each of the payloads, all at once.
    pub fn run(world: &'a World, http: &'a Http, payloads: &[Value], bounds: Bounds, choices: &mut Choices) -> Self {
        world.memory.lock().unwrap().grants_every_lease = !bounds.lease;
        let states = payloads.iter().map(|_| State::Busy).collect();
        let begun = vec![false; payloads.len()];
        let (late, history) = (Vec::new(), Vec::new());
        let mut schedule = Schedule { world, http, bounds, states, begun, current: 0, late, history, disturbed: false };
        let (sender, events) = channel();
        let threads: Vec<_> = payloads
            .iter()
            .enumerate()
            .map(|(number, payload)| start(number, &world.config, payload, &sender))
            .collect();
        loop {
            schedule.wait(&events);
            let steps = schedule.steps(payloads);
            if steps.is_empty() {
                break;
            }
            let step = steps[choices.choose(steps.len())];
            schedule.take(step);
        }
        for thread in threads {
            thread.join().unwrap();
        }
        schedule
    }

    /// Lets the calls that are still late arrive.
    pub fn let_late_calls_arrive(&mut self) {
        while !self.late.is_empty() {
            self.take(Step::Arrives);
        }
    }

    pub fn has_late_calls(&self) -> bool {
        !self.late.is_empty()
    }

    /// Waits until each run has either come to a call or ended.
    fn wait(&mut self, events: &Receiver<Event>) {
        while self.states.iter().any(|state| matches!(state, State::Busy)) {
            // A run that neither calls nor ends is an error.
            match events.recv_timeout(Duration::from_secs(20)).unwrap() {
                Event::Calls(run, call, answer) => self.states[run] = State::Waits(call, answer),
                Event::Ends(run, end) => {
                    self.states[run] = State::Ended;
                    let end = match end {
                        End::Done => "done".to_owned(),
                        End::Killed => "killed".to_owned(),
                        End::Failed { class, text } => {
                            self.disturbed |= class == "transient";
                            text
                        }
                    };
                    self.history.push(format!("{run}: {end}"));
                }
            }
        }
    }

    /// What may come next; the first is what happens without any disturbance.
    fn steps(&self, payloads: &[Value]) -> Vec<Step> {
        let is_like_an_earlier_one = |run: usize| {
            let equal = |other: usize| !self.begun[other] && payloads[other] == payloads[run];
            !self.begun[run] && (0..run).any(equal)
        };
        let others = (0..self.states.len()).filter(|run| *run != self.current && !is_like_an_earlier_one(*run));
        let others = others.filter(|run| self.may_pass(*run));
        let mut runs: Vec<_> = Some(self.current).filter(|run| self.may_pass(*run)).into_iter().collect();
        if runs.is_empty() || self.bounds.preemptions > 0 {
            runs.extend(others);
        }
        let calls: Vec<_> = runs.iter().filter_map(|run| Some((*run, self.call(*run)?))).collect();
        let mut steps: Vec<_> = runs.iter().map(|run| Step::Pass(*run)).collect();
        if self.late.first().is_some_and(|late| calls.iter().any(|(_, call)| late.meets(call))) {
            steps.push(Step::Arrives);
        }
        let is_alone = self.states.iter().filter(|state| !matches!(state, State::Ended)).count() == 1;
        if self.bounds.failures > 0 && (self.bounds.alone || !is_alone) {
            for (run, call) in calls {
                steps.push(Step::Fail(run, Failure::Response, Caller::Lives));
                // To die after a call that changes nothing is to die after the change before it.
                if call.is_change() {
                    steps.push(Step::Fail(run, Failure::Response, Caller::Dies));
                    steps.push(Step::Fail(run, Failure::Late, Caller::Lives));
                    steps.push(Step::Fail(run, Failure::Late, Caller::Dies));
                }
            }
        }
        steps
    }

    fn call(&self, run: usize) -> Option<&Call> {
        match &self.states[run] {
            State::Waits(call, _) => Some(call),
            _ => None,
        }
    }

    /// Whether the call of this run makes a difference now. A lease that another run has is not taken.
    fn may_pass(&self, run: usize) -> bool {
        let others_ended =
            self.states.iter().enumerate().all(|(other, state)| other == run || matches!(state, State::Ended));
        self.call(run).is_some_and(|call| others_ended || self.would_take_effect(call))
    }

    fn would_take_effect(&self, call: &Call) -> bool {
        match call {
            Call::Aws { operation, input } if operation == "PutItem" => {
                self.world.memory.lock().unwrap().meets_condition(input)
            }
            _ => true,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Arrives => {
                let call = self.late.remove(0);
                self.history.push(format!("arrives late: {call}"));
                self.carry_out(&call);
            }
            Step::Pass(run) => {
                if run != self.current && self.may_pass(self.current) {
                    self.bounds.preemptions -= 1;
                }
                let (call, answer) = self.begin(run);
                self.history.push(format!("{run}: {call}"));
                // Its holder was killed, and its time is over.
                if !self.would_take_effect(&call) {
                    self.world.memory.lock().unwrap().advance(Span::hours(1));
                }
                answer.send(self.carry_out(&call)).unwrap();
            }
            Step::Fail(run, failure, caller) => {
                self.bounds.failures -= 1;
                let (call, answer) = self.begin(run);
                self.history.push(format!("{run}: {call} FAILS: {failure:?}, {caller:?}"));
                match failure {
                    Failure::Response => drop(self.carry_out(&call)),
                    Failure::Late => self.late.push(call),
                }
                answer.send(if caller == Caller::Dies { Answer::Death } else { Answer::Nothing }).unwrap();
            }
        }
    }

    /// Makes this the current run, and takes its call.
    fn begin(&mut self, run: usize) -> (Call, Sender<Answer>) {
        self.current = run;
        self.begun[run] = true;
        match std::mem::replace(&mut self.states[run], State::Busy) {
            State::Waits(call, answer) => (call, answer),
            _ => panic!("run {run} makes no call"),
        }
    }

    fn carry_out(&self, call: &Call) -> Answer {
        match call {
            Call::Aws { operation, input } => Answer::Aws(self.world.memory.lock().unwrap().respond(operation, input)),
            Call::HeyGen { method, path, headers, body } => {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let url = format!("{}{path}", self.world.url());
                Answer::HeyGen(self.http.send(method, &url, &headers, body).unwrap())
            }
        }
    }
}
