//! Constructors for [`Finding`]: the three ways in which a line of `tidegate check` can end.

use crate::{Domain, Fault, Finding, Outcome};

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn ok(subject: &str, detail: impl Into<String>) -> Self {
        Self::of(subject, Outcome::Ok, detail.into(), "")
    }

    /// Something that a run can live with.
    #[must_use]
    pub fn warning(subject: &str, detail: impl Into<String>, advice: &str) -> Self {
        Self::of(subject, Outcome::Warning, detail.into(), advice)
    }

    /// A run would fail here. The advice is for the user's side, and stands only where it is the user's move: a server
    /// that is down needs no permission.
    #[must_use]
    pub fn failed(subject: &str, fault: &Fault, advice: &str) -> Self {
        let advice = match fault.domain {
            Domain::User | Domain::Internal => advice,
            Domain::External => "try again later; if it stays, show this line to the historian's administrator",
        };
        Self::of(subject, Outcome::Failed, format!("{} ({})", fault.message, fault.code), advice)
    }

    fn of(subject: &str, outcome: Outcome, detail: String, advice: &str) -> Self {
        Self { subject: subject.to_owned(), outcome, detail, advice: advice.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_given_where_it_is_the_users_move() {
        let denied = Finding::failed("tags", &Fault::user("http-403", "GET /x: HTTP 403"), "ask for permission");
        assert_eq!(
            (denied.detail.as_str(), denied.advice.as_str()),
            ("GET /x: HTTP 403 (http-403)", "ask for permission")
        );
        let down = Finding::failed("tags", &Fault::external("http-503", "GET /x: HTTP 503"), "ask for permission");
        assert!(down.advice.contains("later"), "{}", down.advice);
    }
}
