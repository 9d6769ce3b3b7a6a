//! The modules have an order, which the README says: none uses one below it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn every_module_uses_only_modules_above_it_in_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let order = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    // A folder's own files are in a table of their own.
    let order: Vec<_> = order.filter(|name| !name.contains('/')).collect();

    let files = fs::read_dir(root.join("src")).unwrap().map(|entry| entry.unwrap().path());
    let names: BTreeSet<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let modules: BTreeSet<_> =
        names.iter().map(String::as_str).filter(|name| !["lib", "main"].contains(name)).collect();
    let difference: Vec<_> = modules.symmetric_difference(&order.iter().copied().collect()).copied().collect();
    assert!(difference.is_empty(), "only in src, or only in README.md: {difference:?}");

    for (place, module) in order.iter().enumerate() {
        let source = source(&root.join("src"), module);
        for path in source.split("crate::").skip(1) {
            let used: String = path.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
            assert!(used == *module || order[..place].contains(&&*used), "{module} uses {used}, which is below it");
        }
    }
}

/// The module's text, with that of its own modules.
fn source(folder: &Path, module: &str) -> String {
    let own = folder.join(module);
    if !own.is_dir() {
        return fs::read_to_string(folder.join(format!("{module}.rs"))).unwrap();
    }
    fs::read_dir(own).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}
