//! Every platform is everywhere that the compiler does not see: in the template, the documents, the samples and the breaks.

use crate::markdown::Document;
use crate::none;
use crate::template::{Template, scalar, texts};
use local::stack_dir::workspace;
use std::fs;
use std::path::{Path, PathBuf};
use webhook::Platform;

/// The platforms beside HeyGen.
fn others() -> impl Iterator<Item = Platform> {
    Platform::ALL.into_iter().filter(|platform| *platform != Platform::HeyGen)
}

#[test]
fn every_platform_is_in_the_template() {
    let template = Template::read();
    let (conditions, recovery) =
        (["Conditions"].as_slice(), ["Resources", "Recovery", "Properties", "Environment", "Variables"].as_slice());
    let at = |keys: &[&str], key: &str| scalar(template.at(&[keys, &[key]].concat()));
    let pattern = at(&["Parameters", "PlatformEndpoints"], "AllowedPattern").unwrap();
    let with_key = texts(template.at(&[conditions, &["HasPlatformKey"]].concat()));
    let text = fs::read_to_string(workspace().join("template.yaml")).unwrap();
    let mut problems = Vec::new();
    for platform in Platform::ALL {
        let name = platform.name();
        if pattern.split(['(', '|', ')']).filter(|word| *word == name).count() != 2 {
            problems.push(format!("{name} has to be twice in the AllowedPattern of PlatformEndpoints"));
        }
        let Some(((key, _), base_url)) = local::platforms::names(platform) else { continue };
        for (parameter, variable) in [(key, "API_KEY_SECRET"), (base_url, "BASE_URL")] {
            let variable = format!("{}_{variable}", name.to_uppercase());
            if template.at(&["Parameters", parameter]).is_badvalue() {
                problems.push(format!("there is no parameter {parameter}"));
            }
            if at(recovery, &variable).as_deref() != Some(parameter) {
                problems.push(format!("recovery's variable {variable} is not {parameter}"));
            }
        }
        if !text.contains(&format!("secret:${{{key}}}-??????")) {
            problems.push(format!("no role may read the secret that {key} names"));
        }
        if !with_key.iter().any(|condition| template.parameter_of(condition).as_deref() == Some(key)) {
            let hint = "a deployment with this key alone would not recover on a schedule";
            problems.push(format!("no condition about {key} is part of HasPlatformKey: {hint}"));
        }
    }
    none(problems.into_iter().map(|problem| format!("template.yaml: {problem}")).collect());
}

/// The cells of each row of the first table whose heading has this title.
fn rows<'a>(document: &'a Document, title: &str) -> Vec<Vec<&'a str>> {
    let lines = document.text.lines().skip_while(|line| !line.starts_with('|') || !line.contains(title));
    let cells = |line: &'a str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn every_platform_has_its_column_its_section_and_its_kinds_in_the_documents() {
    let (document, reference) = (Document::read("docs/platforms.md"), Document::read("docs/reference.md"));
    let (table, tracked) = (rows(&document, "Synthesia"), rows(&reference, "can be asked for by its id"));
    let (path, mut problems) = ("docs/platforms.md", Vec::new());
    let (runbook, listed) = (Document::read("docs/operations.md"), rows(&document, "which of their jobs"));
    let registering = reference.section("### Endpoints of other platforms").text;
    let columns = table[0].len();
    problems.extend(
        table.iter().filter(|row| row.len() != columns).map(|row| {
            format!("{path}: the row {:?} of the first table has {} cells, not {columns}", row[0], row.len())
        }),
    );
    for platform in others() {
        let (name, title) = (platform.name(), platform.title());
        let Some(column) = table[0].iter().position(|heading| *heading == title) else {
            problems.push(format!("{path}: the first table has no column {title}"));
            continue;
        };
        let cell = |what: &str| table.iter().find(|row| row[0] == what).and_then(|row| row.get(column)).unwrap_or(&"");
        let kinds = cell("kinds of jobs");
        let row = tracked.iter().find(|row| row[0] == title).map_or("", |row| row[1]);
        for kind in platforms::kinds(platform) {
            if !kinds.contains(&format!("`{name}.{kind}`")) && !kinds.contains(&format!("`.{kind}`")) {
                problems.push(format!("{path}: the column {title} lacks the kind {name}.{kind}"));
            }
            if !row.contains(&format!("`{name}.{kind}`")) {
                problems.push(format!("docs/reference.md, \"Jobs of other platforms\": {title} lacks {name}.{kind}"));
            }
        }
        if cell("deliveries are signed").starts_with("yes") != platform.is_signed() {
            problems.push(format!("{path}: the column {title} is wrong about signatures"));
        }
        if !registering.contains(title) {
            problems.push(format!("docs/reference.md, \"Endpoints of other platforms\": {title} is missing"));
        }
        let has_lists = !platforms::list::lists(platform).is_empty();
        if !listed.iter().any(|row| row[0] == title && row[1].starts_with("none") != has_lists) {
            problems
                .push(format!("{path}, \"What no webhook reported\": {title} is missing, or wrong about its lists"));
        }
        for (section, belongs) in [
            ("Platform deliveries rejected", platform.is_signed()),
            ("Callbacks denied", platform.takes_callback_urls()),
            ("Platform events missed", true),
        ] {
            if belongs && !runbook.section(&format!("### {section}")).text.contains(title) {
                problems.push(format!("docs/operations.md, \"{section}\": {title} is missing"));
            }
        }
        for (section, belongs) in
            [("## Signed deliveries:", platform.is_signed()), ("## Callbacks:", platform.takes_callback_urls())]
        {
            let heading = document.text.lines().find(|line| line.starts_with(section)).unwrap_or_default();
            if heading.contains(title) != belongs {
                let should = if belongs { "should" } else { "should not" };
                problems.push(format!("{path}: the heading \"{section} …\" {should} name {title}"));
            }
        }
    }
    none(problems);
}

#[test]
fn every_platform_has_samples_and_breaks() {
    let breaks = fs::read_to_string(workspace().join("tools/breaks.toml")).unwrap();
    let mut problems = Vec::new();
    for name in others().map(Platform::name) {
        let samples = workspace().join("events/deliveries").join(name);
        if !fs::read_dir(&samples).is_ok_and(|mut entries| entries.next().is_some()) {
            problems.push(format!("events/deliveries/{name}: there are no samples"));
        }
        if !breaks.contains(&format!("file = \"crates/{name}/")) {
            problems.push(format!("tools/breaks.toml: nothing breaks crates/{name}"));
        }
    }
    none(problems);
}

/// What lists the platforms for people, and for tools.
fn lists() -> Vec<(String, String)> {
    // The recipes name the platforms whose crates are good to copy, and the table of breaks is generated.
    let is_read = |document: &Document| !["CONTRIBUTING.md", "docs/testing.md"].contains(&document.name().as_str());
    let documents = Document::all().into_iter().filter(is_read).map(|document| (document.name(), document.text));
    let tools = fs::read_dir(workspace().join("tools")).unwrap();
    let tools = tools.map(|entry| Path::new("tools").join(entry.unwrap().file_name()));
    let tools = tools.filter(|path| path.extension().is_some_and(|extension| extension == "py"));
    let others = [
        "Makefile",
        "crates/admin/reply.schema.json",
        "endpoints.schema.json",
        "events/eventbridge/job-event.schema.json",
        "template.yaml",
    ];
    let files = others.map(PathBuf::from).into_iter().chain(tools);
    let read = |path: PathBuf| (path.display().to_string(), fs::read_to_string(workspace().join(&path)).unwrap());
    documents.chain(files.map(read)).collect()
}

#[test]
fn a_line_that_names_all_platforms_but_one_names_that_one_too() {
    let mut problems = Vec::new();
    for (path, text) in lists() {
        for (number, line) in text.lines().enumerate() {
            // D-ID is called did in kinds and paths.
            let line = line.replace("D-ID", "did").to_lowercase();
            let words: Vec<_> = line.split(|char: char| !char.is_ascii_alphanumeric()).collect();
            let mut missing = others().filter(|platform| !words.contains(&platform.name()));
            if let (Some(platform), None) = (missing.next(), missing.next()) {
                problems.push(format!("{path}:{}: {} is missing among the others", number + 1, platform.title()));
            }
        }
    }
    none(problems);
}
