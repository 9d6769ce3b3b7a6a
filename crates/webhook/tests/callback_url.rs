//! The example programs that compute callback URLs compute those that this crate accepts.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use webhook::callback::Callback;
use webhook::{Platform, Secret};

const BASE_URL: &str = "https://hooks.example.invalid";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(program: &str, example: &str, arguments: &[&str]) -> Output {
    let file = workspace().join("examples/callback-url").join(example);
    Command::new(program).arg(file).args(arguments).env("CALLBACK_SECRET", "geheim-ü").output().unwrap()
}

fn printed(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn agrees(program: &str, example: &str) {
    assert_eq!(printed(run(program, example, &[])), "ok");
    let longest = "x".repeat(256);
    for correlation in ["order_12345", "Auftrag/ü 1?#%", "🎬", "a", "ab", "abc", &longest] {
        for (platform, kind) in [(Platform::Tavus, "video"), (Platform::Did, "scene_avatar")] {
            let (endpoint, kind, correlation) = ("main".to_owned(), kind.to_owned(), correlation.to_owned());
            let callback = Callback { platform, endpoint, kind, correlation };
            let Callback { endpoint, kind, correlation, .. } = &callback;
            let arguments = [BASE_URL, platform.name(), endpoint, kind, correlation];
            let expected = format!("{BASE_URL}{}", callback.path(&Secret::new("geheim-ü").unwrap()));
            assert_eq!(printed(run(program, example, &arguments)), expected, "{program} {correlation}");
        }
    }
    let too_long = format!("{longest}y");
    for [platform, kind, correlation] in [["tavus", "video", &too_long], ["tavus", "video/x", "a"], ["", "video", "a"]]
    {
        let refused = run(program, example, &[BASE_URL, platform, "main", kind, correlation]);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{platform} {kind}");
    }
}

#[test]
fn the_example_in_python_makes_the_urls_that_are_accepted() {
    agrees("python3", "callback_url.py");
}

/// With the Node.js that `make outcome` installs, or one that is on the path and runs TypeScript.
#[test]
fn the_example_in_typescript_makes_the_urls_that_are_accepted() {
    let installed = workspace().join("target/tools/node/bin/node");
    let runs_typescript = |program: &&str| {
        let test = "process.exit(import.meta.main && process.features.typescript ? 0 : 1)";
        let output = Command::new(program).args(["--input-type=module", "--eval", test]).output();
        output.is_ok_and(|output| output.status.success())
    };
    match [installed.to_str().unwrap(), "node"].iter().find(|program| runs_typescript(program)) {
        Some(program) => agrees(program, "callback_url.ts"),
        None => println!("skipped: no Node.js here runs TypeScript"),
    }
}
