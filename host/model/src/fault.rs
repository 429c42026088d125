//! Faults: what went wrong, whose move it is, and whether asking again can help.

use std::fmt;

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// The configuration or the permission asked for is wrong.
    User,
    /// The historian, or the network in front of it, failed.
    External,
    /// Tidegate or a plugin met something it cannot explain.
    Internal,
}

/// Whether the same question may get another answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It will not.
    Never,
    /// The cause may pass by itself.
    Later,
}

/// An error that concerns what it is attached to and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose move it is.
    pub domain: Domain,
    /// Whether to ask again.
    pub retry: Retry,
    /// A short stable name to group by, such as `http-503`; the reason in the gap ledger.
    pub code: String,
    /// What failed, where, and what to do next.
    pub message: String,
}

impl Fault {
    /// A fault of the host's own: a plugin that broke the contract, or ended early.
    #[must_use]
    pub fn internal(code: &str, message: impl Into<String>) -> Self {
        Self { domain: Domain::Internal, retry: Retry::Never, code: code.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}
