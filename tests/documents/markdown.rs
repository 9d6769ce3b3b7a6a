//! The documents, and what can be found in them.

use local::stack_dir::workspace;
use std::fs;
use std::path::{Path, PathBuf};

/// A document, with its path from the workspace's directory.
pub struct Document {
    pub path: PathBuf,
    pub text: String,
}

/// A piece of a document, and the line that it is on.
pub struct Found {
    pub line: usize,
    pub text: String,
}

impl Document {
    pub fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        let text =
            fs::read_to_string(workspace().join(&path)).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        Document { path, text }
    }

    /// Every document of the workspace.
    pub fn all() -> Vec<Self> {
        let crates = entries("crates").into_iter().map(|path| path.join("README.md"));
        let others = [".", "docs", "examples"].into_iter().flat_map(entries);
        let is_document = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
        let paths = others.filter(is_document).chain(crates.filter(|path| workspace().join(path).exists()));
        let all: Vec<_> = paths.map(Document::read).collect();
        assert!(all.len() > 10, "only {} documents were found", all.len());
        all
    }

    pub fn name(&self) -> String {
        self.path.strip_prefix(".").unwrap_or(&self.path).display().to_string()
    }

    /// The directory that its links start from.
    pub fn directory(&self) -> PathBuf {
        workspace().join(&self.path).parent().unwrap().to_owned()
    }

    /// What is in backticks, and the lines of fenced blocks.
    pub fn code(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (line, text, fenced) in self.lines() {
            if fenced {
                found.push(Found { line, text: text.to_owned() });
            } else {
                let spans = text.split('`').skip(1).step_by(2);
                found.extend(spans.map(|span| Found { line, text: span.to_owned() }));
            }
        }
        found
    }

    /// The targets of its links, those to the web left out.
    pub fn links(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (line, text, _) in self.lines().filter(|(_, _, fenced)| !fenced) {
            let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let local = targets.filter(|target| !target.contains("://"));
            found.extend(local.map(|target| Found { line, text: target.to_owned() }));
        }
        found
    }

    /// The anchors that its headings have on GitHub.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.lines().filter(|(_, text, fenced)| !fenced && text.starts_with('#'));
        headings.map(|(_, text, _)| anchor(text.trim_start_matches('#').trim())).collect()
    }

    /// The cells of each table row, without heading and ruler.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
        rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches([' ', '|'])).collect()).collect()
    }

    /// The text from a heading to the next of the same or a higher level.
    pub fn section(&self, heading: &str) -> Document {
        let level = heading.split(' ').next().unwrap().len();
        let rest = self.text.split_once(&format!("\n{heading}\n"));
        let (_, rest) = rest.unwrap_or_else(|| panic!("{}: there is no heading {heading:?}", self.name()));
        let rest = Document { path: self.path.clone(), text: rest.to_owned() };
        let is_within = |text: &str| !text.starts_with('#') || text.split(' ').next().unwrap().len() > level;
        let lines = rest.lines().take_while(|(_, text, fenced)| *fenced || is_within(text));
        let text = lines.map(|(_, text, _)| text).collect::<Vec<_>>().join("\n");
        Document { path: rest.path.clone(), text }
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let mut fenced = false;
        self.text.lines().enumerate().filter_map(move |(index, text)| {
            if text.trim_start().starts_with("```") {
                fenced = !fenced;
                return None;
            }
            Some((index + 1, text, fenced))
        })
    }
}

fn entries(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(workspace().join(directory)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| Path::new(directory).join(entry.unwrap().file_name())).collect();
    paths.sort();
    paths
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|char| char.is_alphanumeric() || " -_".contains(*char))
        .collect::<String>();
    kept.replace(' ', "-")
}
