//! Exit codes, and the errors that choose one.

use std::fmt;
use std::process::ExitCode;

use tidegate_model::Fault;

/// How `tidegate` ends. The numbers are part of the outer contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Done, but some intervals are recorded as gaps.
    Gaps,
    /// Refused by policy.
    Refused,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Gaps => 3,
            Self::Refused => 4,
        }
    }

    /// What the exit code of another `tidegate` says; `None` is one that was killed.
    pub(crate) fn from_code(code: Option<i32>) -> Self {
        match code {
            Some(0) => Self::Done,
            Some(2) => Self::Usage,
            Some(3) => Self::Gaps,
            Some(4) => Self::Refused,
            _ => Self::Failed,
        }
    }

    /// The exit code that `error` stands for: that of a [`Failure`] or a fault in its chain, otherwise 1.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        if let Some(failure) = failure_in(error) {
            return failure.exit;
        }
        let fault = error.downcast_ref::<Fault>().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()));
        match fault {
            Some(fault) if fault.code == "config" => Self::Usage,
            Some(fault) if fault.code == "egress-refused" => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error that was expected: it has its own exit code and a message that says what failed, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// For a person; complete without its causes.
    pub message: String,
}

impl Failure {
    /// The command line or the configuration is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// The policy does not allow it.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, message: message.into() }
    }

    /// Something failed for a known reason.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The one message for a person: a [`Failure`]'s own, otherwise the chain of causes without repetitions.
#[must_use]
pub fn message(error: &anyhow::Error) -> String {
    if let Some(failure) = failure_in(error) {
        return failure.message.clone();
    }
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// A [`Failure`] anywhere in the chain, whether it was raised or attached as context.
fn failure_in(error: &anyhow::Error) -> Option<&Failure> {
    error.downcast_ref::<Failure>().or_else(|| error.chain().find_map(|cause| cause.downcast_ref()))
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn a_failure_decides_the_exit_code_wherever_it_stands_in_the_chain() {
        let raised = anyhow::Error::from(Failure::usage("no such key")).context("while reading");
        assert_eq!((Exit::of(&raised), message(&raised)), (Exit::Usage, "no such key".to_owned()));
        let attached = Err::<(), _>(anyhow!("io")).context(Failure::usage("no such file")).context("outer");
        let attached = attached.unwrap_err();
        assert_eq!((Exit::of(&attached), message(&attached)), (Exit::Usage, "no such file".to_owned()));
    }

    #[test]
    fn any_other_error_is_exit_code_1_and_shows_its_causes_once() {
        let error = anyhow!("disk full").context("the table could not be written: disk full").context("run");
        assert_eq!(Exit::of(&error), Exit::Failed);
        assert_eq!(message(&error), "run: the table could not be written: disk full");
    }

    #[test]
    fn a_fault_about_the_configuration_or_the_policy_has_its_own_exit_code() {
        let error = |code: &str| anyhow::Error::from(Fault::internal(code, "m")).context("run");
        assert_eq!(Exit::of(&error("config")), Exit::Usage);
        assert_eq!(Exit::of(&error("egress-refused")), Exit::Refused);
        assert_eq!(Exit::of(&error("http-401")), Exit::Failed);
    }
}
