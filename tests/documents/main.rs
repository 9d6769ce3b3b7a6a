//! What the documents say of the code is true. Each failure names the document, what is wrong in it, and what to do.
//!
//! `UPDATE_DOCS=1 cargo test -p tests --test documents` rewrites the tables between `<!-- generated: … -->` and `<!-- end -->`.

#![allow(clippy::unwrap_used, clippy::panic)]

mod access_log;
mod contracts;
mod facts;
mod generated;
mod markdown;
mod platform_alarms;
mod platforms;
mod references;
mod runbook;
mod template;
mod workflows;

/// Fails with every problem at once.
fn none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}
