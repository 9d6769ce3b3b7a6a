//! Files, commands and tests that documents name are there.

use crate::markdown::Document;
use crate::none;
use local::stack_dir::workspace;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What a path in a document starts with. Others, such as `src/app.rs`, are told from words by nothing.
const FOLDERS: [&str; 8] = ["crates/", "tests/", "tools/", "events/", "examples/", "docs/", ".ci/", ".github/"];

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    for document in Document::all() {
        for link in document.links() {
            let (path, anchor) = link.text.split_once('#').unwrap_or((&link.text, ""));
            let target =
                if path.is_empty() { workspace().join(&document.path) } else { document.directory().join(path) };
            let at = format!("{}:{}: the link to {}", document.name(), link.line, link.text);
            if !target.exists() {
                problems.push(format!("{at}: there is no such file. Correct the link"));
            } else if !anchor.is_empty() && !Document::read(&target).anchors().iter().any(|known| known == anchor) {
                problems.push(format!("{at}: there is no such heading. Correct the part after #"));
            }
        }
    }
    none(problems);
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut problems = Vec::new();
    for document in Document::all() {
        for code in document.code() {
            let words = code.text.split(|char: char| char.is_whitespace() || "'\"(),;:=".contains(char));
            for path in
                words.flat_map(alternatives).filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
            {
                if !exists(&path, &document) {
                    let at = format!("{}:{}", document.name(), code.line);
                    problems.push(format!("{at}: there is no {path}. Correct the path"));
                }
            }
        }
    }
    none(problems);
}

/// `a/{b,c}.zip` is two paths; a comma within braces was split away already, so this takes the part before them.
fn alternatives(word: &str) -> Option<String> {
    let path = word.split(['{', '…']).next()?.trim_end_matches('.');
    (!path.is_empty()).then(|| path.to_owned())
}

/// A path with a placeholder, such as `events/admin/NAME.json`, exists if the folder before that does.
fn exists(path: &str, document: &Document) -> bool {
    if workspace().join(path).exists() || document.directory().join(path).exists() {
        return true;
    }
    let is_placeholder = |part: &str| {
        part.contains(['*', '<'])
            || part
                .split('.')
                .next()
                .is_some_and(|name| name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_uppercase()))
    };
    let known: Vec<_> = path.split('/').take_while(|part| !is_placeholder(part)).collect();
    known.len() < path.split('/').count() && workspace().join(known.join("/")).is_dir()
}

pub fn targets(help_only: bool) -> BTreeSet<String> {
    let makefile = fs::read_to_string(workspace().join("Makefile")).unwrap();
    let rules = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.', ' ']));
    let rules = rules.filter(|line| !help_only || line.contains("## "));
    let names = rules.filter_map(|line| line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')));
    let names = names.filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
    let names: BTreeSet<_> = names.map(|(name, _)| name.to_owned()).collect();
    assert!(names.len() > 15, "the Makefile is read wrongly: {names:?}");
    names
}

/// The targets in a piece of code: `make x`, wherever a command may start.
pub fn commands(code: &str) -> Vec<&str> {
    let words: Vec<_> = code.split(|char: char| char.is_whitespace() || "`;|".contains(char)).collect();
    let after_make = words.windows(2).filter(|pair| pair[0] == "make").map(|pair| pair[1].trim_end_matches([',', '.']));
    after_make.filter(|word| word.starts_with(|char: char| char.is_ascii_lowercase())).collect()
}

#[test]
fn every_make_target_in_documents_exists_and_every_target_is_documented() {
    let (known, mut problems, mut documented) = (targets(false), Vec::new(), BTreeSet::new());
    for document in Document::all() {
        for code in document.code() {
            for target in commands(&code.text) {
                documented.insert(target.to_owned());
                if !known.contains(target) {
                    let at = format!("{}:{}", document.name(), code.line);
                    problems.push(format!("{at}: `make {target}` is not in the Makefile. Correct the command"));
                }
            }
        }
    }
    let missing = targets(true).into_iter().filter(|target| !documented.contains(target));
    problems.extend(missing.map(|target| {
        format!("`make {target}`, which `make help` lists, is in no document. Mention it in README.md, CONTRIBUTING.md or docs/")
    }));
    none(problems);
}

#[test]
fn every_test_that_is_named_exists() {
    let mut sources = String::new();
    for folder in ["crates", "tests"] {
        read_sources(&workspace().join(folder), &mut sources);
    }
    let mut problems = Vec::new();
    for document in Document::all().iter().filter(|document| document.name() != "docs/testing.md") {
        // A test's name is a sentence: no other name in a document has so many words.
        let sentences = document.code().into_iter().filter(|code| {
            let name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            code.text.bytes().all(name) && code.text.matches('_').count() >= 4
        });
        for code in sentences.filter(|code| !sources.contains(&format!("fn {}(", code.text))) {
            let at = format!("{}:{}", document.name(), code.line);
            problems.push(format!("{at}: there is no test {}. It was renamed or removed: correct the name", code.text));
        }
    }
    none(problems);
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_readme_stays_short() {
    let lines = Document::read("README.md").text.lines().count();
    assert!(lines <= 190, "README.md has {lines} lines, and should have 190 at most: put details into docs/");
}
