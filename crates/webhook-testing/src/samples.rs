//! The samples in the folder `events`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use webhook::Event;

/// Every file of a folder of `events`, by its name without `.json`.
pub fn read(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(folder);
    let paths = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap().to_owned();
    paths.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// Every file of the folder is in the test's table, and every line of the table has its file.
pub fn every_file_has_its_line_and_every_line_its_file<'a>(folder: &str, lines: impl IntoIterator<Item = &'a str>) {
    let files: BTreeSet<String> = read(folder).into_keys().collect();
    let lines: BTreeSet<String> = lines.into_iter().map(str::to_owned).collect();
    let without_line: Vec<_> = files.difference(&lines).collect();
    assert!(
        without_line.is_empty(),
        "add a line to the table of the samples in events/{folder} for each of {without_line:?}"
    );
    let without_file: Vec<_> = lines.difference(&files).collect();
    assert!(without_file.is_empty(), "add events/{folder}/<name>.json for each of {without_file:?}");
}

/// No two samples have the same identity.
pub fn no_two_are_the_same_event(events: &BTreeMap<String, Event>) {
    let identities: BTreeSet<&str> = events.values().map(|event| event.identity.as_str()).collect();
    assert_eq!(identities.len(), events.len());
}

/// Every link is marked, for the tests that search logs and errors for leaked links; and is in no event's or job's `Debug`.
pub fn every_link_is_marked(events: &BTreeMap<String, Event>) {
    for (file, event) in events {
        for link in event.links.values() {
            assert!(link.contains("canary-link-"), "{file}: {link}");
        }
        assert!(!format!("{event:?} {:?}", event.job()).contains("canary-link"), "{file}");
    }
}

/// The names of the event's links, in order.
pub fn links(event: &Event) -> String {
    event.links.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Code and message. `""` stands for an absent one.
pub fn failure(event: &Event) -> (&str, &str) {
    let failure = event.failure.as_ref();
    let code = failure.and_then(|failure| failure.code.as_deref());
    let message = failure.and_then(|failure| failure.message.as_deref());
    (code.unwrap_or_default(), message.unwrap_or_default())
}

/// The README of the crate of this name.
pub(crate) fn readme(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("README.md")).unwrap()
}
