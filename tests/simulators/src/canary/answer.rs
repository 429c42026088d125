//! Answers that are not data: refusals inside the envelope, which come with status 200, and those of HTTP.

use crate::shared::answer::{Head, Refusal};
use crate::shared::text;

/// Why a call is not answered with data.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Status 200 and this status in the envelope.
    Envelope {
        /// `statusCode`.
        code: Code,
        /// `errors`.
        errors: Vec<String>,
    },
    /// An HTTP status of its own.
    Http(Refusal),
}

/// `statusCode` of a call that failed (reference §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// See `errors`.
    Errors,
    /// User token missing, unknown or expired.
    BadUserToken,
    /// Live token unknown or expired.
    BadLiveDataToken,
    /// Not licensed for third-party use, or no licence left.
    BadLicense,
}

impl Refused {
    /// `Errors` with one text.
    pub(crate) fn errors(text: impl Into<String>) -> Refused {
        Refused::Envelope { code: Code::Errors, errors: vec![text.into()] }
    }

    /// Another code without a text.
    pub(crate) fn code(code: Code) -> Refused {
        Refused::Envelope { code, errors: Vec::new() }
    }

    /// 400 with a page: the body could not be read.
    pub(crate) fn bad_request() -> Refused {
        Refused::Http(Refusal::html(400, "Bad Request"))
    }

    /// Appends the answer; its head. `singular`: `Error` in place of `Errors`.
    pub(crate) fn write(self, singular: bool, out: &mut Vec<u8>) -> Head {
        let (code, errors) = match self {
            Refused::Http(refusal) => return refusal.write(out),
            Refused::Envelope { code, errors } => (code, errors),
        };
        let code = match code {
            Code::Errors if singular => "Error",
            Code::Errors => "Errors",
            Code::BadUserToken => "BadUserToken",
            Code::BadLiveDataToken => "BadLiveDataToken",
            Code::BadLicense => "BadLicense",
        };
        out.extend_from_slice(b"{\"statusCode\":");
        text::string(out, code);
        out.extend_from_slice(b",\"errors\":");
        text::strings(out, &errors);
        out.push(b'}');
        Head::json(200)
    }
}

/// The answer that a server of this kind gives with an HTTP status: pages, since none of them is its own.
pub(crate) fn of_status(status: u16, retry_after: Option<u32>) -> Refusal {
    let title = match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Request Entity Too Large",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        400..=499 => "Bad Request",
        _ => "Internal Server Error",
    };
    let mut refusal = Refusal::html(status, title);
    if let (429 | 503, Some(seconds)) = (status, retry_after) {
        refusal.headers.push(("Retry-After", seconds.to_string()));
    }
    refusal
}
