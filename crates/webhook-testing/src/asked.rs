//! A platform that does not sign, and is asked for the job that a callback is about.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use webhook::callback::{Callback, Claimed, is_entity_id};
use webhook::{Event, LookUp, Platform, Secret, Status, Unverified};

use crate::samples::{self, failure, links, readme};
use crate::{Read, authentic, look_up, memory};

/// The job that the sample of an answer is read as. `""` stands for an absent text.
pub struct Answer {
    /// Its name in `events/answers/PLATFORM`, without `.json`: `KIND.STATE`, and more where there are several.
    pub file: &'static str,
    /// The state, where the file's name does not say it.
    pub state: &'static str,
    /// Of the job.
    pub status: Status,
    /// The names of the links, in order.
    pub links: &'static str,
    /// Code and message.
    pub failure: (&'static str, &'static str),
    /// The order that the answer names.
    pub echoed: &'static str,
}

impl Answer {
    /// One without links, failure or order.
    pub const fn new(file: &'static str, status: Status) -> Self {
        Self { file, state: "", status, links: "", failure: ("", ""), echoed: "" }
    }

    fn state(&self) -> &str {
        if self.state.is_empty() { self.file.split('.').nth(1).unwrap() } else { self.state }
    }
}

/// The kind of job that a sample is about, without the platform.
pub fn kind(file: &str) -> &str {
    file.split('.').next().unwrap()
}

/// A platform, and the samples of its answers and callbacks.
pub struct Asked {
    /// Whose samples these are.
    pub platform: Platform,
    /// Reads an answer.
    pub read: Read,
    /// The kinds of jobs, without the platform.
    pub kinds: &'static [&'static str],
    /// The names of the fields that may hold the id of a job of this kind.
    pub claimed_ids: fn(&str) -> &'static [&'static str],
    /// Where to ask for a job: its kind and its id.
    pub paths: fn(&str, &str) -> Vec<String>,
    /// The order that an answer about a job of this kind names.
    pub echoed: fn(&str, &Value) -> Option<String>,
    /// A line for each sample of an answer.
    pub answers: &'static [Answer],
    /// Each sample of a callback, and the id that it claims.
    pub callbacks: &'static [(&'static str, &'static str)],
}

impl Asked {
    /// The answer about one job, as an event. The kind is without the platform.
    pub fn event(&self, kind: &str, answer: &str) -> Event {
        (self.read)(&look_up(self.kind(kind), "x_1", answer).to_verified())
    }

    /// Every sample of an answer, by its name, looked up for an order that is no sample's.
    pub fn events(&self) -> BTreeMap<String, Event> {
        let event = |(file, answer): (String, String)| {
            let look_up = LookUp { callback_id: Some("order_1".to_owned()), ..self.looked_up(&file, &answer) };
            (file, (self.read)(&look_up.to_verified()))
        };
        samples::read(&self.folder("answers")).into_iter().map(event).collect()
    }

    fn looked_up(&self, file: &str, answer: &str) -> LookUp {
        let value: Value = serde_json::from_str(answer).unwrap();
        let id = (self.claimed_ids)(kind(file)).iter().find_map(|name| value[name].as_str());
        look_up(self.kind(kind(file)), id.unwrap(), answer)
    }

    fn kind(&self, kind: &str) -> String {
        format!("{}.{kind}", self.platform)
    }

    fn folder(&self, of: &str) -> String {
        format!("{of}/{}", self.platform)
    }

    /// Reading an answer of this shape takes memory in proportion to its length.
    pub fn memory_stays_in_proportion(&self, kind: &str, shape: memory::Shape) {
        let look_up = look_up(self.kind(kind), "x_1", &memory::answer(shape));
        memory::stays_in_proportion(&look_up.to_verified(), self.read);
    }

    /// What a callback of this body claims.
    fn claimed(&self, kind: &str, body: &str) -> Claimed {
        let secret = Secret::new("capability-key-1").unwrap();
        let [endpoint, kind, correlation] = ["main", kind, "order_1"].map(str::to_owned);
        let path = Callback { platform: self.platform, endpoint, kind: kind.clone(), correlation }.path(&secret);
        let path = path.strip_prefix(&format!("/webhooks/{}/", self.platform)).unwrap();
        let (callback, token) = Callback::read(self.platform, path).unwrap();
        callback.claim(&token, &[&secret], Unverified::new(body.into()), (self.claimed_ids)(&kind)).unwrap()
    }

    /// The tables have every file, and no other; and every kind has an answer.
    pub fn every_file_has_its_line_and_every_line_its_file(&self) {
        let answers: BTreeSet<_> = self.answers.iter().map(|answer| answer.file).collect();
        for kind in self.kinds {
            assert!(answers.iter().any(|file| self::kind(file) == *kind), "add samples of the kind {kind}");
        }
        samples::every_file_has_its_line_and_every_line_its_file(&self.folder("answers"), answers);
        let callbacks = self.callbacks.iter().map(|(file, _)| *file);
        samples::every_file_has_its_line_and_every_line_its_file(&self.folder("deliveries"), callbacks);
    }

    /// Every answer is read as its line says.
    pub fn every_answer_is_read_as_the_job_that_it_is(&self) {
        let (events, answers) = (self.events(), samples::read(&self.folder("answers")));
        for answer in self.answers {
            let (file, event, text) = (answer.file, &events[answer.file], &answers[answer.file]);
            assert_eq!((event.status, event.platform), (Some(answer.status), self.platform), "{file}");
            let event_type = format!("{}.{}", self.kind(kind(file)), answer.state());
            assert_eq!((event.event_type.as_ref(), event.is_known_type), (Some(&event_type), true), "{file}");
            assert_eq!((&*links(event), failure(event)), (answer.links, answer.failure), "{file}");
            let job = event.job().unwrap();
            assert_eq!(job.item_key(), format!("job#{}#{}", self.kind(kind(file)), job.entity_id));
            assert_eq!(event.correlation_id().as_str(), "order_1", "{file}: the order of the look-up comes first");

            let own = (self.echoed)(kind(file), &serde_json::from_str(text).unwrap());
            assert_eq!(own.unwrap_or_default(), answer.echoed, "{file}");
            let event = (self.read)(&self.looked_up(file, text).to_verified());
            let expected = if answer.echoed.is_empty() { &job.entity_id } else { answer.echoed };
            assert_eq!(event.correlation_id().as_str(), expected, "{file}");
        }
    }

    /// Every callback claims the id that its line says, and only with an id is there anything to ask.
    pub fn every_callback_leads_to_the_job_that_it_is_about(&self) {
        let callbacks = samples::read(&self.folder("deliveries"));
        for (file, entity_id) in self.callbacks {
            let claimed = self.claimed(kind(file), &callbacks[*file]);
            assert_eq!(claimed.entity_id().unwrap_or_default(), *entity_id, "{file}");
            assert_eq!((self.paths)(kind(file), entity_id).is_empty(), entity_id.is_empty(), "{file}");
        }
    }

    /// A callback must not be given to `read` at all; should that happen, it says nothing.
    pub fn a_callback_is_no_event_of_a_job(&self) {
        for (file, body) in samples::read(&self.folder("deliveries")) {
            let event = (self.read)(&authentic(body));
            assert_eq!((event.status, event.job(), event.entity_id, event.is_json), (None, None, None, true), "{file}");
            assert!(event.links.is_empty() && event.kind.is_none(), "{file}");
        }
    }

    /// The README's table has every state of these kinds in the column of its status, and every link.
    pub fn the_readme_says_what_every_answer_means(&self, has_states: impl Fn(&str) -> bool) {
        let readme = readme(self.platform.name());
        for answer in self.answers.iter().filter(|answer| has_states(kind(answer.file))) {
            let begin = format!("| `{}` |", self.kind(kind(answer.file)));
            let row = readme.lines().find(|line| line.starts_with(&begin)).unwrap();
            let columns: Vec<&str> = row.split('|').collect();
            let [.., pending, failed, succeeded, of_links, _] = columns[..] else { panic!("{row}") };
            let column = match answer.status {
                Status::Pending => pending,
                Status::Failed => failed,
                Status::Succeeded => succeeded,
            };
            let file = answer.file;
            assert!(column.contains(&format!("`{}`", answer.state())), "{file}: {row}");
            let mut links = answer.links.split_whitespace();
            assert!(links.all(|link| of_links.contains(&format!("`{link}`"))), "{file}: {row}");
        }
    }

    /// An answer of any shape is an event of a job; only a success has links, and only a failure a reason.
    ///
    /// # Errors
    ///
    /// The property that does not hold.
    pub fn any_answer_is_read_and_only_a_success_has_links(
        &self,
        kind: &str,
        answer: &Value,
    ) -> Result<(), TestCaseError> {
        let event = self.event(kind, &answer.to_string());
        prop_assert!(event.job().is_some());
        prop_assert!(event.links.is_empty() || event.status == Some(Status::Succeeded));
        prop_assert!(event.links.values().all(|link| link.starts_with("http://") || link.starts_with("https://")));
        prop_assert!(event.failure.is_none() || event.status == Some(Status::Failed));
        (self.echoed)(kind, answer);
        Ok(())
    }

    /// What a callback claims is an id that can be asked for, or nothing.
    ///
    /// # Errors
    ///
    /// The property that does not hold.
    pub fn a_forged_callback_claims_a_plain_id_or_none(
        &self,
        kind: &str,
        id: &str,
        more: &Value,
    ) -> Result<(), TestCaseError> {
        let name = (self.claimed_ids)(kind)[0];
        for body in [json!({name: id, "more": more}), json!({"more": more, name: [id]}), more.clone()] {
            let claimed = self.claimed(kind, &body.to_string());
            prop_assert!(claimed.entity_id().is_none_or(is_entity_id));
            prop_assert!(claimed.entity_id().is_none_or(|id| !(self.paths)(kind, id).is_empty()));
        }
        Ok(())
    }
}

/// An object of these fields, with one of another name before or after them.
pub fn with(fields: &str, name: &str, value: &str, first: bool) -> String {
    match first {
        true => format!(r#"{{"{name}":{value},{fields}}}"#),
        false => format!(r#"{{{fields},"{name}":{value}}}"#),
    }
}
