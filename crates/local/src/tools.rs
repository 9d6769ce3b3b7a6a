//! The Python programs that a local stack needs, in an environment of their own, with the exact versions of
//! `requirements.txt`.

use crate::error::{Context, Error, Result};
use crate::{process, progress, stack_dir};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

#[derive(Debug, Clone)]
pub struct Tools(PathBuf);

impl Tools {
    /// Those that are installed, or nothing if they have to be installed first.
    pub fn installed() -> Option<Self> {
        let tools = Tools(stack_dir::local().join("venv"));
        // The interpreter is a link to the system's, which an upgrade may have removed.
        let whole = tools.program("python").exists();
        (whole && fs::read_to_string(tools.marker()).ok()? == complete(tools.path())).then_some(tools)
    }

    /// Installs them if they are not there or `requirements.txt` changed. Nothing is fetched otherwise.
    pub fn install() -> Result<Self> {
        if let Some(tools) = Self::installed() {
            return Ok(tools);
        }
        let since = progress::begin("Installing", "the local AWS (once, about 20 s)");
        let tools = Tools(stack_dir::local().join("venv"));
        if tools.path().exists() {
            fs::remove_dir_all(tools.path()).context("Removing the old Python environment")?;
        }
        fs::create_dir_all(stack_dir::local()).context("Creating target/local")?;
        let mut version = Command::new("python3");
        version.args(["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]);
        process::capture(&mut version)
            .map_err(|why| Error::Failed(format!("Python 3.11 or later is needed, as python3. {why}")))?;
        process::capture(Command::new("python3").args(["-m", "venv"]).arg(tools.path())).map_err(|why| {
            Error::Failed(format!("python3 cannot make environments. On Debian: apt-get install python3-venv\n{why}"))
        })?;
        let requirements = stack_dir::workspace().join("crates/local/python/requirements.txt");
        process::capture(
            Command::new(tools.program("python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(requirements),
        )?;
        fs::write(tools.marker(), complete(tools.path())).context("Marking the Python environment as complete")?;
        progress::done("Installed", "the local AWS", since);
        Ok(tools)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn marker(&self) -> PathBuf {
        self.0.join("complete")
    }

    /// A program of the environment, such as `python`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }
}

/// The content of the marker: the requirements, and the path, since an environment cannot be moved.
fn complete(path: &Path) -> String {
    format!("{} {}\n", hex::encode(Sha256::digest(REQUIREMENTS)), path.display())
}
