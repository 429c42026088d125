//! Why a request came to nothing: once as a code for the guest, once in words for people. Words never hold a query
//! string, a header or a body.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use tidegate_model::{Domain, Fault, Retry};
use wasmtime_wasi_http::Error as WasiError;

use super::address::Unresolved;

/// A cause in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// The cause as a fault of its own.
    pub(crate) fault: Fault,
    /// What to do about it; may be empty.
    pub(crate) advice: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.message)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "; {}", self.advice) }
    }
}

/// A request that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For people.
    pub(crate) note: Box<Note>,
    /// For the guest.
    pub(crate) error: WasiError,
    /// Whether asking at once again may help.
    pub(crate) again: bool,
}

impl Failure {
    fn new(domain: Domain, retry: Retry, code: &str, text: String, advice: &str, error: WasiError) -> Self {
        let fault = Fault { domain, retry, code: code.to_owned(), message: text };
        Self { note: Box::new(Note { fault, advice: advice.to_owned() }), error, again: false }
    }

    /// The policy says no.
    pub(crate) fn refused(text: impl Into<String>, advice: &str) -> Self {
        let error = WasiError::HttpRequestDenied;
        Self::new(Domain::User, Retry::Never, "egress-refused", text.into(), advice, error)
    }

    /// The guest asked in a way that cannot be served.
    pub(crate) fn bad_request(text: impl Into<String>, error: WasiError) -> Self {
        Self::new(Domain::Internal, Retry::Never, "bad-request", text.into(), "", error)
    }

    /// The host cannot send it: no credentials could be had, or no record kept.
    pub(crate) fn host(fault: Fault) -> Self {
        // A guest gives up on a wrong configuration.
        let error = match fault.retry {
            Retry::Later => WasiError::ConnectionTerminated,
            Retry::Never => WasiError::ConfigurationError,
        };
        Self { note: Box::new(Note { fault, advice: String::new() }), error, again: false }
    }

    /// Nothing came for too long.
    pub(crate) fn timeout(text: impl Into<String>) -> Self {
        let advice = "the server is slow or overloaded; ask for less at once";
        Self::new(Domain::External, Retry::Later, "timeout", text.into(), advice, WasiError::HttpResponseTimeout)
    }

    /// The queue in front of the server does not move.
    pub(crate) fn queue(text: impl Into<String>) -> Self {
        let error = WasiError::ConnectionLimitReached;
        Self::new(Domain::External, Retry::Later, "queue", text.into(), "raise performance.parallel_batches", error)
    }

    /// The answer is larger than a plugin may take.
    pub(crate) fn too_large(text: impl Into<String>, limit: u64) -> Self {
        let error = WasiError::HttpResponseBodySize(Some(limit));
        Self::new(Domain::External, Retry::Never, "response-too-large", text.into(), "ask for less at once", error)
    }

    /// What the HTTP client reports about a request to `host`; `what` names the request.
    pub(crate) fn transport(what: &str, host: &str, error: &reqwest::Error) -> Self {
        let words = deepest(error);
        if let Some(unresolved) = find::<Unresolved>(error) {
            return Self::unresolved(what, unresolved);
        }
        if let Some(certificate) = certificate(error) {
            let advice = "set tls.ca_file to the authority that signed it, or correct the host name in source.url";
            let text = format!("{what}: the certificate of `{host}` is not trusted: {certificate}");
            return Self::new(Domain::User, Retry::Never, "certificate", text, advice, WasiError::TlsCertificateError);
        }
        let external = |code: &str, text: String, advice: &str, wasi: WasiError| {
            Self::new(Domain::External, Retry::Later, code, format!("{what}: {text}"), advice, wasi)
        };
        let advice = "check source.url, the server and the network between";
        let kind = find::<io::Error>(error).map(io::Error::kind);
        let mut failure = match kind {
            _ if error.is_connect() && error.is_timeout() => {
                external("connect-timeout", format!("`{host}` did not answer"), advice, WasiError::ConnectionTimeout)
            }
            Some(io::ErrorKind::ConnectionRefused) => external(
                "connection-refused",
                format!("`{host}` refuses the connection"),
                advice,
                WasiError::ConnectionRefused,
            ),
            _ if words.contains("TLS") || words.contains("tls") || is_tls(error) => external(
                "tls",
                format!("no TLS with `{host}`: {words}"),
                "does source.url start right (http, https)?",
                WasiError::TlsProtocolError,
            ),
            _ if error.is_decode() => {
                return external(
                    "content-coding",
                    format!("the answer is damaged: {words}"),
                    "",
                    WasiError::HttpResponseContentCoding(None),
                );
            }
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe) => {
                external("connection-reset", "the connection broke".to_owned(), "", WasiError::ConnectionTerminated)
            }
            _ if error.is_connect() => external(
                "unreachable",
                format!("`{host}` cannot be reached: {words}"),
                advice,
                WasiError::DestinationUnavailable,
            ),
            _ => {
                external("connection-broken", format!("the exchange broke: {words}"), "", WasiError::HttpProtocolError)
            }
        };
        failure.again = true;
        failure
    }

    /// A body that broke off or cannot be decoded.
    pub(crate) fn cut(what: &str, error: &reqwest::Error) -> Self {
        let words = deepest(error);
        let (code, text, wasi) = if words.contains("before message completed")
            || words.contains("end of file")
            || find::<io::Error>(error).is_some()
        {
            (
                "truncated-body",
                format!("{what}: the answer broke off before its end: {words}"),
                WasiError::HttpResponseIncomplete,
            )
        } else {
            (
                "damaged-body",
                format!("{what}: the answer cannot be decoded: {words}"),
                WasiError::HttpResponseContentCoding(None),
            )
        };
        Self::new(Domain::External, Retry::Later, code, text, "", wasi)
    }

    fn unresolved(what: &str, cause: &Unresolved) -> Self {
        match cause {
            Unresolved::Forbidden { .. } => Self {
                error: WasiError::DestinationIpProhibited,
                ..Self::refused(format!("{what}: {cause}"), "source.url must name the historian")
            },
            Unresolved::Unknown { .. } => {
                let error = WasiError::DnsError { rcode: Some("name not found".to_owned()), info_code: None };
                let text = format!("{what}: {cause}");
                let advice = "check the host in source.url and the name server";
                Self { again: true, ..Self::new(Domain::External, Retry::Later, "dns", text, advice, error) }
            }
        }
    }
}

type Link<'a> = &'a (dyn StdError + 'static);

/// The links of an error's chain.
fn chain(error: Link<'_>) -> impl Iterator<Item = Link<'_>> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let link = next?;
        next = cause(link);
        Some(link)
    })
}

fn cause(link: Link<'_>) -> Option<Link<'_>> {
    // An I/O error that carries another one names the cause of that one as its source.
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => link.source(),
    }
}

fn find<T: StdError + 'static>(error: &reqwest::Error) -> Option<&T> {
    chain(error).find_map(|link| link.downcast_ref::<T>())
}

/// The innermost cause. The outer ones repeat the URL.
fn deepest(error: &reqwest::Error) -> String {
    let words = chain(error).last().map(ToString::to_string).unwrap_or_default();
    words.chars().take(200).collect()
}

/// What is wrong with the server's certificate, if that is the cause.
fn certificate(error: &reqwest::Error) -> Option<String> {
    const MARK: &str = "invalid peer certificate: ";
    let text = chain(error).map(ToString::to_string).find(|text| text.starts_with(MARK))?;
    let reason = text.trim_start_matches(MARK);
    Some(match reason {
        "UnknownIssuer" => "unknown issuer".to_owned(),
        other => other.chars().take(200).collect(),
    })
}

fn is_tls(error: &reqwest::Error) -> bool {
    error.is_connect() && find::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
}
