use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What jobs did, as lines of a file that all processes of a test append to: evidence apart from the database.
#[derive(Clone, Debug)]
pub struct Journal(PathBuf);

impl Journal {
    /// The journal in that file, which need not exist yet.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self(path.as_ref().to_owned())
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Adds a line, in one write.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn write(&self, line: impl std::fmt::Display) {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.0).expect("the journal");
        file.write_all(format!("{line}\n").as_bytes()).expect("the journal");
    }

    /// All lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        std::fs::read_to_string(&self.0).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How many lines begin so.
    #[must_use]
    pub fn count(&self, start: &str) -> usize {
        self.lines().iter().filter(|line| line.starts_with(start)).count()
    }
}
