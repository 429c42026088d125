//! What the gate knows about the requests of one running call: why the last one failed, in words for people. A guest
//! sees only an error code; whatever it then reports is completed from here, so that the cause is never lost.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_model::{Domain, Fault};

use super::failure::Note;

/// Different causes that are kept for one call.
const KEPT: usize = 8;

/// The notes of one call.
#[derive(Debug, Default)]
pub(crate) struct Trail(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    last: Option<Note>,
    all: Vec<Note>,
}

impl Trail {
    /// A request failed.
    pub(crate) fn failed(&self, note: &Note) {
        let mut notes = self.notes();
        notes.last = Some(note.clone());
        if notes.all.len() < KEPT && !notes.all.contains(note) {
            notes.all.push(note.clone());
        }
    }

    /// A request was answered: what failed before it is no longer what the guest talks about.
    pub(crate) fn answered(&self) {
        self.notes().last = None;
    }

    /// What the guest reports, together with the cause that the gate knows. Where the cause is for the operator or the
    /// plugin's maker to mend, the gate also says whose move it is.
    pub(crate) fn complete(&self, mut fault: Fault) -> Fault {
        let notes = self.notes();
        let Some(note) = &notes.last else { return fault };
        if !fault.message.contains(&note.fault.message) {
            fault.message = format!("{}: {note}", fault.message);
        }
        if note.fault.domain == Domain::External {
            return fault;
        }
        Fault { message: fault.message, ..note.fault.clone() }
    }

    /// Everything that failed, for a report.
    pub(crate) fn all(&self) -> Vec<Note> {
        self.notes().all.clone()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::failure::Failure;
    use tidegate_model::Retry;

    fn guest() -> Fault {
        Fault { domain: Domain::External, retry: Retry::Later, code: "transport".into(), message: "no answer".into() }
    }

    #[test]
    fn a_report_is_completed_with_the_cause_and_keeps_its_code() {
        let trail = Trail::default();
        trail.failed(&Failure::timeout("GET /a: no byte for 30 s").note);
        let fault = trail.complete(guest());
        assert!(fault.message.starts_with("no answer: GET /a: no byte for 30 s"), "{fault}");
        assert_eq!(fault.code, "transport");
        assert_eq!(trail.complete(fault.clone()), fault, "a cause is told once");
    }

    #[test]
    fn a_refusal_is_the_gates_own_word_and_not_to_be_retried() {
        let trail = Trail::default();
        trail.failed(&Failure::refused("GET /a is not allowed", "allow it").note);
        let fault = trail.complete(guest());
        assert_eq!((fault.code.as_str(), fault.retry), ("egress-refused", Retry::Never));
    }

    #[test]
    fn an_answer_clears_the_cause_but_not_the_report() {
        let trail = Trail::default();
        trail.failed(&Failure::timeout("x").note);
        trail.answered();
        assert_eq!(trail.complete(guest()), guest());
        assert_eq!(trail.all().len(), 1);
    }
}
