//! The three ways in which a line can end.

use tidegate_sdk::{Domain, Fault, Finding, Outcome};

pub(super) fn ok(subject: &str, detail: String) -> Finding {
    Finding { subject: subject.to_owned(), outcome: Outcome::Ok, detail, advice: String::new() }
}

pub(super) fn warning(subject: &str, detail: String, advice: &str) -> Finding {
    Finding { subject: subject.to_owned(), outcome: Outcome::Warning, detail, advice: advice.to_owned() }
}

/// Advice to the user's side only where it is the user's move: a server that is down needs no permission.
pub(super) fn failed(subject: &str, fault: &Fault, advice: &str) -> Finding {
    let advice = match fault.domain {
        Domain::User | Domain::Internal => advice,
        Domain::External => "try again later; if it stays, show this line to the PI administrator",
    };
    Finding {
        subject: subject.to_owned(),
        outcome: Outcome::Failed,
        detail: format!("{} ({})", fault.message, fault.code),
        advice: advice.to_owned(),
    }
}
