//! The workflows use only actions that cannot change later.

use crate::none;
use local::stack_dir::workspace;
use std::fs;

#[test]
fn every_action_is_pinned_by_its_digest_and_says_its_version() {
    let mut problems = Vec::new();
    let mut actions = 0;
    for entry in fs::read_dir(workspace().join(".github/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for action in text.lines().filter_map(|line| line.split_once("uses: ")).map(|(_, action)| action) {
            actions += 1;
            let (digest, version) = action.split_once('@').and_then(|(_, rest)| rest.split_once(" # v")).unzip();
            let is_digest =
                digest.is_some_and(|digest| digest.len() == 40 && digest.bytes().all(|b| b.is_ascii_hexdigit()));
            if !is_digest || version.is_none() {
                problems.push(format!("{}: {action}: write ACTION@DIGEST # vVERSION", path.display()));
            }
        }
    }
    assert!(actions > 0, "no action is found");
    none(problems);
}
