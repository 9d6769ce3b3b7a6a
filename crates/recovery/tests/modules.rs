//! The modules have an order, which the README says: none uses one below it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A folder whose files are one module in that order.
const WHOLE: &str = "doctor/diagnosis";

/// The sources by module, such as `sweep/due`. That of a folder is its `mod.rs`.
fn sources(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let module = [prefix, name].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/");
        if path.is_dir() {
            sources(&path, &module, found);
            continue;
        }
        let module = if name == "mod" || prefix == WHOLE { prefix } else { &module };
        found.entry(module.to_owned()).or_default().push_str(&fs::read_to_string(&path).unwrap());
    }
}

/// The module at the beginning of a path, such as `sweep/due` of `sweep::due::{Due, Page}`.
fn module_of(path: &str, order: &[&str]) -> String {
    let end = path.find(|char: char| !char.is_alphanumeric() && char != '_' && char != ':').unwrap_or(path.len());
    let steps: Vec<_> = path[..end].split("::").take(2).collect();
    let longest = steps.join("/");
    if order.contains(&longest.as_str()) { longest } else { steps[0].to_owned() }
}

#[test]
fn every_module_uses_only_modules_above_it_in_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let order: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();

    let mut all = BTreeMap::new();
    sources(&root.join("src"), "", &mut all);
    let modules: BTreeSet<_> = all.keys().map(String::as_str).filter(|name| !["lib", "main"].contains(name)).collect();
    let difference: Vec<_> = modules.symmetric_difference(&order.iter().copied().collect()).copied().collect();
    assert!(difference.is_empty(), "only in src, or only in README.md: {difference:?}");

    for (place, module) in order.iter().enumerate() {
        for path in all[*module].split("crate::").skip(1) {
            let used = module_of(path, &order);
            assert!(used == *module || order[..place].contains(&&*used), "{module} uses {used}, which is below it");
        }
    }
}
