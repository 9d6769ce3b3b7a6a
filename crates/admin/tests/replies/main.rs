//! The replies, their schema `reply.schema.json`, and the samples in `events/admin/replies`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod every_value;
mod parts;
mod samples;
mod schema;

use crate::parts::{URL, change, plan, platform, rotate};
use crate::samples::sample;
use admin::platforms::report::{self, Reason};
use admin::reply::{PlanReply, RotateReply};
use admin::{Action, ChangeKind, PendingKind, Plan, Reply, RotateReason};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use time::macros::datetime;
use webhook::Platform;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn the_endpoints_of_other_platforms_come_after_heygens_with_their_changes_warnings_and_problems() {
    let changes = vec![report::Change::of(report::ChangeKind::Create, "wh_1", Reason::New)];
    let left = vec![report::Change::of(report::ChangeKind::Delete, "wh_2", Reason::Duplicate)];
    let platforms = vec![platform(Platform::Synthesia, changes, left)];
    let plan = Plan { notes: Vec::new(), ..plan(Vec::new(), &[]) };
    let reply = Reply::Plan(PlanReply { url: URL.to_owned(), plan, platforms });
    insta::assert_snapshot!(reply, @r#"
    Endpoints of https://abc.execute-api.example.invalid at HeyGen
      · 3 endpoints are not ours, left alone
    Nothing to do. Checksum 4f53cda18c2baa0c.
    Endpoints of other platforms
      synthesia/main  wh_1, secret stored
          https://abc.execute-api.example.invalid/webhooks/synthesia/main
        ✓ create wh_1: it is not registered
        ~ delete wh_2: another webhook has the same URL (with "prune": true)
        warning: wh_1 is disabled, so nothing is delivered. A sync enables it
        ✗ no Synthesia API key
    "#);
}

#[test]
fn a_reply_says_until_or_from_when_the_old_secret_is_accepted_or_rejected() {
    let time = Some(datetime!(2026-11-21 12:01 UTC));
    let revoked = RotateReply {
        verified: Vec::new(),
        done: rotate(RotateReason::Revoked),
        old_secret_valid_until: None,
        old_secret_rejected_from: time,
    };
    insta::assert_snapshot!(revoked, @"main: it has a new secret. Earlier secrets are revoked: a receiver that gets a delivery with the new one rejects them at once, every other receiver from 2026-11-21T12:01:00.000Z on.");
    let since = datetime!(2026-11-21 00:00 UTC);
    let finished = change(ChangeKind::Finish { pending: PendingKind::Rotate, since, revoke: true });
    insta::assert_snapshot!(finished, @"main  finish  the rotation started at 2026-11-21T00:00:00.000Z, and revokes earlier secrets");
}

/// With UPDATE_SAMPLES=1 it writes the samples instead.
#[test]
fn every_action_has_a_sample_reply() {
    let folder = file("../../events/admin/replies");
    let files: BTreeSet<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let names: BTreeSet<_> = Action::NAMES.iter().map(|name| format!("{name}.json").into()).collect();
    let unexpected: Vec<_> = files.difference(&names).collect();
    assert!(unexpected.is_empty(), "events/admin/replies has {unexpected:?}, which are replies to no action");
    for name in Action::NAMES {
        let (path, reply) = (folder.join(format!("{name}.json")), sample(name).to_json());
        assert_eq!(reply["action"], name);
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            std::fs::write(&path, format!("{reply:#}\n")).unwrap();
        }
        assert_eq!(read(&path), reply, "{}: write it anew with UPDATE_SAMPLES=1", path.display());
    }
}
