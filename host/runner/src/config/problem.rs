//! What is wrong with a configuration: one line each, with file, line and key.

use std::fmt;

/// Where a value was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On this line of the file, counted from 1.
    Line(usize),
    /// In a `--set` on the command line.
    Override,
}

/// One thing that is wrong. Never holds a value that came from the environment or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where the key, or the section that lacks it, was written.
    pub origin: Origin,
    /// The key with its sections: `ingestion.lookback`; empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Problem {
    /// As printed: `file:line: key: what is wrong`.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let place = match self.origin {
            Origin::Line(line) => format!("{file}:{line}"),
            Origin::Override => "--set".to_owned(),
        };
        if self.key.is_empty() {
            format!("{place}: {}", self.what)
        } else {
            format!("{place}: {}: {}", self.key, self.what)
        }
    }
}

/// Every problem of one configuration, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The file as the operator named it.
    pub file: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Invalid {
    /// Sorts the problems by line; those of `--set` come last.
    #[must_use]
    pub fn new(file: String, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| match problem.origin {
            Origin::Line(line) => line,
            Origin::Override => usize::MAX,
        });
        problems.dedup();
        Self { file, problems }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.problems.as_slice() {
            return f.write_str(&only.line(&self.file));
        }
        write!(f, "{} problems in the configuration", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}", problem.line(&self.file)))
    }
}

impl std::error::Error for Invalid {}

/// The key that a JSON pointer stands for: `/ingestion/tags/2` is `ingestion.tags[2]`.
#[must_use]
pub(super) fn dotted(pointer: &str) -> String {
    let mut key = String::new();
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if !key.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            key.push_str(&format!("[{segment}]"));
        } else {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&segment);
        }
    }
    key
}

/// `segment` as a JSON pointer spells it.
#[must_use]
pub(super) fn below(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}
