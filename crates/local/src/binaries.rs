//! Builds the functions and copies them to where they are deployed from.

use crate::error::{Context, Error, Result};
use crate::stack_dir::{StackDir, workspace};
use crate::{process, progress};
use serde::Deserialize;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The functions, each the name of its package, its binary and its directory in the template, in the groups that they are
/// built in: admin and recovery need features of shared crates that the others must not get.
pub const FUNCTIONS: [&[&str]; 2] = [&["receiver", "processor"], &["admin", "recovery"]];

/// Builds the functions, with cargo's own progress on standard error. The environment variable
/// `PROFILE` chooses the profile; `dev` is the default.
pub fn build(place: &StackDir) -> Result<()> {
    let profile = std::env::var("PROFILE").ok().filter(|p| !p.is_empty()).unwrap_or_else(|| "dev".to_owned());
    let names = FUNCTIONS.concat().join(", ");
    let since = progress::begin("Building", format_args!("{names} ({profile})"));
    let mut executables = Vec::new();
    for together in FUNCTIONS {
        executables.extend(compile(&profile, together)?);
    }
    for (function, executable) in FUNCTIONS.concat().into_iter().zip(executables) {
        let bootstrap = place.bootstrap(function);
        let what = format!("Copying the {function} to {}", bootstrap.display());
        fs::create_dir_all(bootstrap.parent().unwrap_or(&bootstrap)).context(&what)?;
        fs::copy(executable, &bootstrap).context(&what)?;
        fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).context(&what)?;
    }
    link_template(place)?;
    progress::done("Built", names, since);
    Ok(())
}

/// The executables, in the order of the functions.
fn compile(profile: &str, functions: &[&str]) -> Result<Vec<PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace()).arg("build").args(["--profile", profile]);
    command.arg("--message-format=json-render-diagnostics");
    for function in functions {
        command.args(["-p", function, "--bin", function]);
    }
    let mut child = process::spawn(process::outside_cargo(&mut command).stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let mut found = vec![None; functions.len()];
    let messages = child.stdout.take().map(BufReader::new);
    // Ends with cargo, which a Ctrl-C reaches as well.
    for line in messages.into_iter().flat_map(BufRead::lines) {
        let line = line.context("Reading cargo's messages")?;
        let Ok(Message { target: Some(target), executable: Some(path) }) = serde_json::from_str(&line) else {
            continue;
        };
        if let Some(place) = functions.iter().position(|name| *name == target.name) {
            found[place] = Some(path);
        }
    }
    if !process::wait(&mut child)?.success() {
        return Err(Error::failed("the functions could not be built, see above"));
    }
    let named = functions.iter().zip(found);
    named.map(|(name, path)| path.ok_or_else(|| Error::Failed(format!("cargo built no binary {name}")))).collect()
}

#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// The template itself, at a place from which its relative paths lead to the local build.
fn link_template(place: &StackDir) -> Result<()> {
    let link = place.app().join("template.yaml");
    match symlink(workspace().join("template.yaml"), &link) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.context("Linking template.yaml"),
    }
}
