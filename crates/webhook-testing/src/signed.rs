//! A platform that signs its deliveries, and what each sample of them is read as.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;
use webhook::{Event, Platform, Status};

use crate::samples::{self, failure, links, readme};
use crate::{Read, authentic};

/// A sample file and its content. `""` stands for an absent field.
pub struct Sample {
    /// Its name in `events/deliveries/PLATFORM`, without `.json`.
    pub file: &'static str,
    /// Without the platform.
    pub kind: &'static str,
    /// Of the job.
    pub status: Option<Status>,
    /// The platform's id.
    pub entity_id: &'static str,
    /// The sender's id.
    pub callback_id: &'static str,
    /// The names of the links, in order.
    pub links: &'static str,
    /// Code and message.
    pub failure: (&'static str, &'static str),
    /// The length of the medium.
    pub seconds: Option<u32>,
    /// In seconds since 1970.
    pub occurred_at: Option<i64>,
}

impl Sample {
    /// One without any field.
    pub const NO: Self = Self {
        file: "",
        kind: "",
        status: None,
        entity_id: "",
        callback_id: "",
        links: "",
        failure: ("", ""),
        seconds: None,
        occurred_at: None,
    };
}

/// A platform, and the samples of its deliveries.
pub struct Signing {
    /// Whose samples these are.
    pub platform: Platform,
    /// Reads a delivery.
    pub read: Read,
    /// The types that are known.
    pub known: &'static [&'static str],
    /// The kinds of jobs, without the platform.
    pub kinds: &'static [&'static str],
    /// A line for each sample.
    pub samples: &'static [Sample],
    /// The types of samples that are none of `known`.
    pub unknown_on_purpose: &'static [&'static str],
}

impl Signing {
    /// Every sample, by its name.
    pub fn deliveries(&self) -> BTreeMap<String, Event> {
        let read = |(file, body): (String, String)| (file, (self.read)(&authentic(body)));
        samples::read(&self.folder()).into_iter().map(read).collect()
    }

    fn folder(&self) -> String {
        format!("deliveries/{}", self.platform)
    }

    /// The table has every file, and no other.
    pub fn every_file_has_its_line_and_every_line_its_file(&self) {
        let lines = self.samples.iter().map(|sample| sample.file);
        samples::every_file_has_its_line_and_every_line_its_file(&self.folder(), lines);
    }

    /// Every type has a sample.
    pub fn every_known_type_has_a_sample_and_every_other_sample_is_unknown_on_purpose(&self) {
        let types: BTreeSet<String> = self.deliveries().into_values().filter_map(|event| event.event_type).collect();
        let expected = self.known.iter().chain(self.unknown_on_purpose).map(|name| (*name).to_owned()).collect();
        assert_eq!(types, expected);
    }

    /// Every sample is read as its line says.
    pub fn every_sample_is_read_as_the_event_that_it_is(&self) {
        let deliveries = self.deliveries();
        for sample in self.samples {
            let (file, event) = (sample.file, &deliveries[sample.file]);
            let event_type = event.event_type.as_deref().unwrap();
            assert!(file.starts_with(event_type), "{file}");
            let is_known = self.known.contains(&event_type);
            let facts = (event.platform, event.is_json, event.is_known_type, event.entity_is_reused);
            assert_eq!(facts, (self.platform, true, is_known, false), "{file}");
            let kind = (!sample.kind.is_empty()).then(|| format!("{}.{}", self.platform, sample.kind));
            assert_eq!((&event.kind, event.status), (&kind, sample.status), "{file}");
            assert_eq!(event.entity_id.as_deref().unwrap_or_default(), sample.entity_id, "{file}");
            assert_eq!(event.callback_id.as_deref().unwrap_or_default(), sample.callback_id, "{file}");
            assert_eq!((&*links(event), failure(event)), (sample.links, sample.failure), "{file}");
            assert_eq!((event.duration_seconds, event.occurred_at), (sample.seconds, sample.occurred_at), "{file}");

            let item_key = event.job().map(|job| job.item_key());
            let of_job = kind.filter(|_| sample.status.is_some());
            assert_eq!(item_key, of_job.map(|kind| format!("job#{kind}#{}", sample.entity_id)), "{file}");
        }
    }

    /// The README names every type, every kind and every link. `link` is how it writes the name of a link.
    pub fn the_readme_names_every_type_kind_and_link(&self, link: impl Fn(&str) -> String) {
        let readme = readme(self.platform.name());
        let links = self.samples.iter().flat_map(|sample| sample.links.split_whitespace()).map(link);
        let kinds = self.kinds.iter().map(|kind| format!("{}.{kind}", self.platform));
        let types = self.known.iter().map(|event_type| (*event_type).to_owned());
        let names = links.chain(kinds).chain(types);
        let missing: BTreeSet<_> = names.filter(|name| !readme.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "crates/{}/README.md lacks {missing:?}", self.platform);
    }
}

/// Any JSON is an event, whose ids are short enough to be keys.
///
/// # Errors
///
/// The property that does not hold.
pub fn can_be_read(read: Read, body: &Value) -> Result<(), TestCaseError> {
    let event = read(&authentic(body.to_string()));
    prop_assert!(event.is_json);
    prop_assert!(event.correlation_id().as_str().len() <= 1024);
    if let Some(job) = event.job() {
        prop_assert!(job.item_key().len() <= 1024);
        prop_assert_eq!(job.decided_by, event.item_key());
    }
    Ok(())
}
