//! Where the local files are. All of them are under `target/local`.

use crate::error::{Doing, Result};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The workspace's directory.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// `target/local`.
pub fn local() -> PathBuf {
    workspace().join("target/local")
}

/// The directory of one local stack. Each has its own, so that tests leave a running stack alone.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

impl Place {
    /// The stack of `make run` and `make up`.
    pub fn main() -> Self {
        Place(local())
    }

    /// The stack that lives as long as a command.
    pub fn test() -> Self {
        Place(local().join("test"))
    }

    /// Makes the directory. Only its owner may look into it.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0).doing("Creating a directory under target/local")?;
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).doing("Closing target/local to others")
    }

    /// A file in it.
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a client has to know of the stack; there while it runs.
    pub fn stack_json(&self) -> PathBuf {
        self.file("stack.json")
    }

    /// What the local AWS prints.
    pub fn log(&self) -> PathBuf {
        self.file("aws.log")
    }

    /// Held by the supervisor while it runs.
    pub fn lock(&self) -> PathBuf {
        self.file("supervisor.lock")
    }

    /// The local AWS's temporary files.
    pub fn temporary(&self) -> PathBuf {
        self.file("tmp")
    }

    /// The directory that stands in for the workspace in a deployment: a link to the template, and
    /// the functions below it as the template expects them. So a local build is never taken for a deployable one.
    pub fn app(&self) -> PathBuf {
        self.file("app")
    }

    /// The executable of a function in a deployment.
    pub fn bootstrap(&self, function: &str) -> PathBuf {
        self.app().join("target/lambda").join(function).join("bootstrap")
    }
}

/// Writes a file at once or not at all, for its owner's eyes only.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let draft = path.with_extension("draft");
    let what = format!("Writing {}", path.display());
    // A draft left by a crash could have another mode.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).doing(&what)?,
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).doing(&what)?;
    file.write_all(content).doing(&what)?;
    fs::rename(&draft, path).doing(&what)
}
