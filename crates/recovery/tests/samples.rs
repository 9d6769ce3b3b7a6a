//! The sample requests in `events/recovery`, one per action.

#![allow(clippy::unwrap_used, clippy::panic)]

use recovery::Action;
use std::collections::BTreeSet;
use std::path::Path;

/// The names of a folder's JSON files, without their extension.
fn json_files(folder: &Path) -> BTreeSet<String> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.map(|path| path.file_name().unwrap().to_str().unwrap().strip_suffix(".json").unwrap().to_owned()).collect()
}

#[test]
fn every_action_has_a_sample_request_and_every_sample_is_an_action() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/recovery");
    let (actions, files) = (BTreeSet::from(Action::NAMES.map(str::to_owned)), json_files(&folder));
    let missing: Vec<_> = actions.difference(&files).collect();
    assert!(missing.is_empty(), "events/recovery has no sample request for {missing:?}: add events/recovery/NAME.json");
    let unexpected: Vec<_> = files.difference(&actions).collect();
    assert!(unexpected.is_empty(), "events/recovery has {unexpected:?}, which are not in Action::NAMES");
    for name in actions {
        let text = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        let action = Action::read(serde_json::from_slice(&text).unwrap());
        let read_as = action.unwrap_or_else(|error| panic!("events/recovery/{name}.json: {error}")).name();
        assert_eq!(read_as, name, "events/recovery/{name}.json is a request for another action");
    }
}
