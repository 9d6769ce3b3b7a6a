//! The paths of the local files, all of them below `target/local`.

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

    /// For a test.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        StackDir(directory.into())
    }

    /// Creates the directory, readable by its owner only.
    pub fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.0).context("Creating a directory under target/local")?;
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).context("Closing target/local to others")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The description of the stack; it exists while the stack runs.
    pub fn stack_json(&self) -> PathBuf {
        self.file("stack.json")
    }

    /// The URL and API key of the simulated HeyGen; it exists while that runs.
    pub fn simulator_json(&self) -> PathBuf {
        self.file("simulator.json")
    }

    /// The file that describes a part, removed when the part ends.
    pub fn description(&self, part: Part) -> PathBuf {
        match part {
            Part::Aws => self.stack_json(),
            Part::Simulator => self.simulator_json(),
        }
    }

    /// The output of a part.
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

    /// The functions that are deployed here: not the workspace's `target/lambda`, so that a local build is never taken for a
    /// deployable one.
    pub fn app(&self) -> PathBuf {
        self.file("app")
    }

    /// The executable of a function in a deployment.
    pub fn bootstrap(&self, function: &str) -> PathBuf {
        self.app().join("target/lambda").join(function).join("bootstrap")
    }
}

/// Writes a file atomically, readable by its owner only.
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
