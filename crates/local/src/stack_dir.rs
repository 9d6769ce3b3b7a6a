//! Where the local files are. All of them are under `target/local`.

use crate::error::{Context, Result};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The workspace's directory.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

/// `target/local`.
pub fn local() -> PathBuf {
    workspace().join("target/local")
}

/// One of the programs that a local stack consists of. Each runs under a supervisor of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The local AWS.
    Aws,
    /// The simulated HeyGen.
    Simulator,
}

impl Part {
    /// All of them, in the order in which they are stopped: first the one that posts to the other.
    pub const ALL: [Part; 2] = [Part::Simulator, Part::Aws];

    fn name(self) -> &'static str {
        match self {
            Part::Aws => "aws",
            Part::Simulator => "simulator",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Aws => "the local AWS",
            Part::Simulator => "the simulated HeyGen",
        })
    }
}

/// The directory of one local stack. Each has its own, so that tests leave a running stack alone.
#[derive(Debug, Clone)]
pub struct StackDir(PathBuf);

impl StackDir {
    /// The stack of `make run` and `make up`.
    pub fn main() -> Self {
        StackDir(local())
    }

    /// The stack that lives as long as a command.
    pub fn test() -> Self {
        StackDir(local().join("test"))
    }

    /// A directory of one's own.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        StackDir(directory.into())
    }

    /// Makes the directory. Only its owner may look into it.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0).context("Creating a directory under target/local")?;
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).context("Closing target/local to others")
    }

    /// A file in it.
    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// What a client has to know of the stack; there while it runs.
    pub fn stack_json(&self) -> PathBuf {
        self.file("stack.json")
    }

    /// Where the simulated HeyGen is, and its key; there while it runs.
    pub fn simulator_json(&self) -> PathBuf {
        self.file("simulator.json")
    }

    /// What says where a part is.
    pub fn whereabouts(&self, part: Part) -> PathBuf {
        match part {
            Part::Aws => self.stack_json(),
            Part::Simulator => self.simulator_json(),
        }
    }

    /// What a part prints.
    pub fn log(&self, part: Part) -> PathBuf {
        self.file(&format!("{}.log", part.name()))
    }

    /// Held by a part's supervisor while it runs.
    pub fn lock(&self, part: Part) -> PathBuf {
        self.file(&format!("{}.lock", part.name()))
    }

    /// A part's temporary files.
    pub fn temporary(&self, part: Part) -> PathBuf {
        self.file(&format!("{}.tmp", part.name()))
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
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context(&what)?,
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).context(&what)?;
    file.write_all(content).context(&what)?;
    fs::rename(&draft, path).context(&what)
}
