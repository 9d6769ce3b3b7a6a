//! Running a command in the foreground, with its status as ours.

use crate::error::Result;
use crate::process::{outside_cargo, spawn, wait};
use crate::supervisor::Supervised;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// Runs a command to its end in the foreground and returns its status, 128 + n if signal n ended it.
/// The supervisor, if there is one, ends the command should this process die.
pub fn run_under(supervised: Option<&mut Supervised>, command: &mut Command) -> Result<u8> {
    let mut child = spawn(outside_cargo(command))?;
    let watched = match supervised {
        Some(supervised) => supervised.watch(&child).map(|()| Some(supervised)),
        None => Ok(None),
    };
    let status = wait(&mut child)?;
    // It has ended in any case; the supervisor may have as well.
    if let Some(supervised) = watched? {
        let _ = supervised.unwatch(&child);
    }
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
