//! Why a call into a plugin ended early. A reason travels through WebAssembly frames as a [`Stop`]; every other error
//! of the engine is a trap, and is turned into a fault that a person understands.

use std::time::Duration;

use tidegate_model::{Domain, Fault, Retry};
use wasmtime::Trap;

/// A fault that ends the guest's call; comes back unchanged on the other side of the guest.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(Fault);

impl Stop {
    /// The guest broke the contract.
    pub(crate) fn contract(message: impl Into<String>) -> Self {
        Self(Fault::internal("contract", message))
    }

    /// A fault of the host, such as a sink that cannot write.
    pub(crate) fn host(fault: Fault) -> Self {
        Self(fault)
    }

    pub(crate) fn memory(bytes: usize) -> Self {
        Self(user(
            "limit-memory",
            format!(
                "needs more memory than the {} MiB it may use; raise the limit or ask for less at once",
                bytes >> 20
            ),
        ))
    }

    pub(crate) fn tables(elements: usize) -> Self {
        Self(Fault::internal("limit-memory", format!("needs more than the {elements} table entries it may use")))
    }

    pub(crate) fn time(limit: Duration) -> Self {
        let text = format!(
            "computed for {} s without any progress and was stopped; it may be in an endless loop",
            limit.as_secs_f64()
        );
        Self(Fault::internal("limit-time", text))
    }

    pub(crate) fn log(lines: u64) -> Self {
        Self(Fault::internal("limit-log", format!("wrote more than {lines} log lines in one call and was stopped")))
    }

    pub(crate) fn calls(limit: u64) -> Self {
        Self(Fault::internal(
            "limit-calls",
            format!("called the host more than {limit} times in one call and was stopped"),
        ))
    }

    #[cfg(test)]
    pub(crate) fn fault(&self) -> &Fault {
        &self.0
    }
}

fn user(code: &str, message: String) -> Fault {
    Fault { domain: Domain::User, retry: Retry::Never, code: code.to_owned(), message }
}

/// The fault behind an error of the engine. `doing` is what the plugin was asked for, `last_words` what it wrote to
/// its standard error before it ended (a panic message, usually).
pub(crate) fn fault(plugin: &str, doing: &str, error: &wasmtime::Error, last_words: &str) -> Fault {
    if let Some(Stop(fault)) = error.downcast_ref::<Stop>() {
        if matches!(fault.code.as_str(), "contract") || fault.code.starts_with("limit-") {
            return Fault {
                message: format!("plugin `{plugin}`, while asked to {doing}: {}", fault.message),
                ..fault.clone()
            };
        }
        return fault.clone();
    }
    let cause = cause(error);
    let words = last_words.trim();
    let said = if words.is_empty() { String::new() } else { format!("; its last words: {words}") };
    Fault::internal(
        "trap",
        format!(
            "plugin `{plugin}` crashed while asked to {doing}: {cause}{said}; this is a defect of the plugin, tell its maker"
        ),
    )
}

fn cause(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "it gave up (a panic or an abort)".to_owned(),
        Some(Trap::StackOverflow) => "its stack overflowed (endless recursion?)".to_owned(),
        Some(Trap::MemoryOutOfBounds) => "it reached outside of its memory".to_owned(),
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_host_comes_back_as_it_was() {
        let disk_full = Fault::internal("sink", "no space left on device");
        let error = wasmtime::Error::from(Stop::host(disk_full.clone())).context("error while executing");
        assert_eq!(fault("acme", "read", &error, ""), disk_full);
    }

    #[test]
    fn a_limit_names_the_plugin_and_what_it_did() {
        let error = wasmtime::Error::from(Stop::memory(64 << 20));
        let fault = fault("acme", "read a partition", &error, "");
        assert_eq!(fault.code, "limit-memory");
        assert!(
            fault
                .message
                .starts_with("plugin `acme`, while asked to read a partition: needs more memory than the 64 MiB")
        );
    }

    #[test]
    fn a_trap_carries_the_last_words_of_the_guest() {
        let error = wasmtime::Error::from(Trap::UnreachableCodeReached);
        let fault = fault("acme", "read", &error, "panicked at src/lib.rs:7: oh\n");
        assert_eq!(fault.code, "trap");
        assert!(
            fault.message.contains("a panic or an abort); its last words: panicked at src/lib.rs:7: oh;"),
            "{fault}"
        );
    }
}
