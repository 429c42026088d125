//! Constructors for [`Fault`], so that whose move it is and whether to ask again are chosen at the place of failure.
//!
//! A fault never carries a secret, and never more of an answer than fits on a line: messages end in tables and logs.

use crate::{Domain, Fault, Retry};

/// Longest piece of a server's own words that a message repeats, in characters.
const QUOTE: usize = 300;

impl Fault {
    /// The configuration, or a permission it asks for, is wrong: asking again will not help.
    #[must_use]
    pub fn user(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { domain: Domain::User, retry: Retry::Never, code: code.into(), message: message.into() }
    }

    /// The historian or the network failed; the cause may pass by itself.
    #[must_use]
    pub fn external(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { domain: Domain::External, retry: Retry::Later, code: code.into(), message: message.into() }
    }

    /// The plugin met something it cannot explain; the same question will get the same answer.
    #[must_use]
    pub fn internal(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { domain: Domain::Internal, retry: Retry::Never, code: code.into(), message: message.into() }
    }

    /// The fault that an HTTP status stands for, with the code `http-STATUS`.
    ///
    /// `what` says which request it was; `answer` is what the server said, and is shortened.
    #[must_use]
    pub fn status(status: u16, what: &str, answer: &str) -> Self {
        let (domain, retry, advice) = match status {
            401 => (Domain::User, Retry::Never, "check the credentials in `auth`"),
            403 => (Domain::User, Retry::Never, "ask the historian's administrator for read permission"),
            404 | 410 => (Domain::User, Retry::Never, "check the name, or whether it was deleted or hidden"),
            408 | 425 | 429 => (Domain::External, Retry::Later, "the server is busy; it is asked again later"),
            300..=399 => (Domain::User, Retry::Never, "set `source.url` to the address the server redirects to"),
            400..=499 => (Domain::External, Retry::Never, "the server does not accept this request"),
            _ => (Domain::External, Retry::Later, "the server failed; it is asked again later"),
        };
        let said = quote(answer);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let message = format!("{what}: HTTP {status}{said}; {advice}");
        Self { domain, retry, code: format!("http-{status}"), message }
    }

    /// Whether a server did not come to the end of an answer, so that less may be had where this much is not: what the
    /// host's egress reports of time and size, and what a gateway says instead.
    #[must_use]
    pub fn asked_too_much(&self) -> bool {
        matches!(self.code.as_str(), "timeout" | "response-too-large" | "http-408" | "http-504")
    }
}

/// A server's answer made fit for one line of a message: white space folded, shortened.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > QUOTE {
            break;
        }
    }
    match line.char_indices().nth(QUOTE) {
        Some((cut, _)) => {
            line.truncate(cut);
            line.push('…');
            line
        }
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permission_is_the_users_move_and_overload_passes_by_itself() {
        let denied = Fault::status(403, "GET /points", "");
        assert_eq!((denied.domain, denied.retry, denied.code.as_str()), (Domain::User, Retry::Never, "http-403"));
        for status in [429, 500, 502, 503, 504] {
            let busy = Fault::status(status, "GET /points", "x");
            assert_eq!((busy.domain, busy.retry), (Domain::External, Retry::Later), "{status}");
        }
    }

    #[test]
    fn an_html_page_is_quoted_in_one_short_line() {
        let page = format!("<html>\n  <body>{}</body>", "é ".repeat(1000));
        let said = quote(&page);
        assert!(said.chars().count() <= QUOTE + 1 && !said.contains('\n'), "{said}");
    }
}
