//! What the functions promise, and `docs/reference.md` lists: error codes, actions, attributes.

use crate::markdown::Document;
use crate::none;
use admin::Action;
use local::stack_dir::workspace;
use receiver::Rejection;
use std::collections::BTreeSet;
use std::fs;

const REFERENCE: &str = "docs/reference.md";

/// What is in backticks in a cell.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_error_code_is_documented_with_its_status() {
    let responses = Document::read(REFERENCE).section("## HTTP responses");
    let documented: BTreeSet<_> = responses
        .rows()
        .iter()
        .filter(|row| row.len() == 3)
        .flat_map(|row| {
            let status = row[1].chars().take(3).collect::<String>();
            names(row[2]).into_iter().map(|code| (code.to_owned(), status.clone())).collect::<Vec<_>>()
        })
        .filter(|(code, _)| code != "error.code")
        .collect();
    let real: BTreeSet<_> = Rejection::ALL
        .iter()
        .map(|rejection| (rejection.code().to_owned(), rejection.status().as_u16().to_string()))
        .collect();
    let missing = real.difference(&documented).map(|(code, status)| {
        format!("{REFERENCE}: under \"HTTP responses\" there is no row with {status} and `{code}`. Add it")
    });
    let unknown = documented.difference(&real).map(|(code, status)| {
        format!("{REFERENCE}: the receiver never responds {status} with `{code}`. Correct the row")
    });
    none(missing.chain(unknown).collect());
}

#[test]
fn every_action_is_documented() {
    let (admin, recovery) = (&Action::NAMES[..], &recovery::Action::NAMES[..]);
    let places = [
        (REFERENCE, "## admin", admin),
        ("docs/security.md", "### Of each action of `admin`", admin),
        (REFERENCE, "## recovery", recovery),
        ("docs/security.md", "### Of each action of `recovery`", recovery),
    ];
    let mut problems = Vec::new();
    for (path, heading, actions) in places {
        let section = Document::read(path).section(heading);
        // Not the generated table of replies, which has two columns.
        let described = section.rows().into_iter().filter(|row| row.len() > 2);
        let rows: BTreeSet<_> =
            described.filter_map(|row| names(row[0]).first().map(|name| (*name).to_owned())).collect();
        let missing = actions.iter().filter(|name| !rows.contains(**name));
        problems
            .extend(missing.map(|name| format!("{path}: under \"{heading}\" there is no row for `{name}`. Add it")));
    }
    none(problems);
}

/// The attributes that the source of the table's items writes.
fn written() -> BTreeSet<String> {
    let source = fs::read_to_string(workspace().join("crates/aws/src/table/items.rs")).unwrap();
    let code = source.split("#[cfg(test)]").next().unwrap();
    let calls = [".text(\"", ".short(\"", ".number(\"", ".map(\"", ".insert(\"", ".id(\""];
    let found = calls.iter().flat_map(|call| code.split(call).skip(1)).filter_map(|rest| rest.split('"').next());
    let written: BTreeSet<_> = found.map(str::to_owned).collect();
    assert!(written.len() > 20, "crates/aws/src/table/items.rs is read wrongly: {written:?}");
    written
}

/// The attributes of tracked jobs, each a constant.
fn tracked() -> Vec<String> {
    let source = fs::read_to_string(workspace().join("crates/recovery/src/track/tracked.rs")).unwrap();
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split_once(": &str = \""));
    let values = constants.filter(|(name, _)| *name != "INDEX").filter_map(|(_, value)| value.strip_suffix("\";"));
    let values: Vec<_> = values.map(str::to_owned).collect();
    assert!(values.len() >= 5, "crates/recovery/src/track/tracked.rs is read wrongly: {values:?}");
    values
}

#[test]
fn every_attribute_of_the_table_is_documented() {
    let section = Document::read(REFERENCE).section("## The table");
    let rows = section.rows();
    let documented: BTreeSet<_> = rows.iter().flat_map(|row| names(row[0])).map(str::to_owned).collect();
    // Updates of a job write these in DynamoDB's expressions.
    let by_expression = ["previous_status", "replayed_at"].map(str::to_owned);
    let written: BTreeSet<_> = written().into_iter().chain(by_expression).chain(tracked()).collect();
    let missing = written
        .difference(&documented)
        .map(|name| format!("{REFERENCE}: under \"The table\" there is no row for the attribute `{name}`. Add it"));
    let unknown = documented
        .difference(&written)
        .map(|name| format!("{REFERENCE}: no code writes the attribute `{name}`. Write it in crates/aws/src/table/items.rs, or remove the row"));
    none(missing.chain(unknown).collect());
}
