//! What released versions have stored, as files that this version has to read: messages on the queue, items in the
//! table, secrets. The folder of a version has what that version writes. It is made once, with
//! `UPDATE_RELEASED=1 cargo test -p aws --test released the_files`, and never changed after the release.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "no request is involved")]

mod read;
mod written;

use aws::envelope::{READ, WRITTEN};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const THIS: &str = env!("CARGO_PKG_VERSION");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")
}

/// The versions that have files, the oldest first.
fn versions() -> Vec<String> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<_> = entries.filter(|name| !name.ends_with(".rs")).collect();
    versions.sort_by_key(|version| version.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>());
    versions
}

fn file(version: &str, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(version).join(name)).unwrap()).unwrap()
}

/// The elements of this file, of every version.
fn elements(name: &str) -> Vec<Value> {
    let all: Vec<_> = versions().iter().flat_map(|version| file(version, name).as_array().unwrap().clone()).collect();
    assert!(!all.is_empty());
    all
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn the_files_of_this_version_are_what_it_writes() {
    let versions = json!([{"read": [READ.start(), READ.end()], "written": WRITTEN}]);
    let files = [
        ("envelope_versions.json", versions),
        ("envelopes.json", written::envelopes()),
        ("items.json", written::items().await),
        ("secrets.json", written::secrets()),
    ];
    let own = folder().join(THIS);
    if !own.exists() && std::env::var_os("UPDATE_RELEASED").is_some() {
        fs::create_dir_all(&own).unwrap();
        for (name, written) in &files {
            fs::write(own.join(name), format!("{}\n", serde_json::to_string_pretty(written).unwrap())).unwrap();
        }
    }
    assert!(own.exists(), "version {THIS} has no files: UPDATE_RELEASED=1 cargo test -p aws --test released the_files");
    for (name, written) in files {
        let advice = "If this version is released, give the next one its number first. If not, delete the folder, and make it again";
        assert!(file(THIS, name) == written, "{name} of {THIS} is not what this code writes. {advice}");
    }
}

/// The versions, in their order, that write an envelope which the version before cannot read.
fn too_early(envelopes: &[Value]) -> Vec<usize> {
    let is_too_early =
        |place: &usize| envelopes[*place]["written"].as_u64() > envelopes[*place - 1]["read"][1].as_u64();
    (1..envelopes.len()).filter(is_too_early).collect()
}

#[test]
fn an_envelope_version_is_read_one_release_before_it_is_written() {
    let version = |newest: u32, written: u32| json!({"read": [1, newest], "written": written});
    assert!(too_early(&[version(1, 1), version(2, 1), version(2, 2)]).is_empty());
    assert_eq!(too_early(&[version(1, 1), version(2, 2)]), [1]);
    assert!(too_early(&elements("envelope_versions.json")).is_empty());
}
