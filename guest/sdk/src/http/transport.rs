//! What it means when no whole answer arrives.

use wstd::http::{
    Error,
    error::{ErrorCode, HeaderError},
};

use crate::{Fault, Retry};

/// The fault for a request that got no answer.
pub(super) fn fault(what: &str, error: &Error) -> Fault {
    if error.downcast_ref::<HeaderError>().is_some() {
        let text = "the plugin sets a header that only the host may set, such as credentials or cookies";
        return Fault::internal("forbidden-header", format!("{what}: {text}; report this plugin's defect"));
    }
    let Some(code) = error.downcast_ref::<ErrorCode>() else {
        return Fault::external("transport", format!("{what}: {error:#}"));
    };
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Fault::user(
            "egress-refused",
            format!("{what}: refused by the host: not among the capabilities granted to this plugin"),
        ),
        ErrorCode::TlsCertificateError => Fault::user(
            "certificate",
            format!("{what}: the server's certificate is not trusted; set `tls.ca_file` to its authority"),
        ),
        ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
            Fault::external("tls", format!("{what}: no TLS connection ({code}); does `source.url` start right?"))
        }
        ErrorCode::ConfigurationError => Fault::user("configuration", format!("{what}: {code}; check `source.url`")),
        ErrorCode::DnsError(_) | ErrorCode::DnsTimeout | ErrorCode::DestinationNotFound => {
            Fault::external("dns", format!("{what}: the host name in `source.url` was not found ({code})"))
        }
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => {
            Fault::external("timeout", format!("{what}: the server did not answer in time ({code})"))
        }
        ErrorCode::HttpResponseBodySize(_) => too_large(what, &code.to_string()),
        ErrorCode::HttpResponseIncomplete => {
            Fault::external("truncated-body", format!("{what}: the connection ended inside the answer"))
        }
        ErrorCode::InternalError(Some(text)) => Fault::external("transport", format!("{what}: {text}")),
        _ => Fault::external("transport", format!("{what}: {code}")),
    }
}

/// The fault for an answer whose body broke off.
pub(super) fn body_fault(what: &str, error: &Error) -> Fault {
    match error.downcast_ref::<ErrorCode>() {
        Some(ErrorCode::HttpResponseBodySize(_)) => too_large(what, &format!("{error:#}")),
        _ => Fault::external("truncated-body", format!("{what}: the answer broke off: {error:#}")),
    }
}

/// The same question will get the same answer.
fn too_large(what: &str, detail: &str) -> Fault {
    let text = format!("{what}: the answer is larger than the host accepts ({detail}); lower `performance.batch_size`");
    Fault { retry: Retry::Never, ..Fault::external("response-too-large", text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Domain;

    #[test]
    fn what_may_pass_by_itself_is_told_from_what_the_operator_must_mend() {
        let fault = |code: ErrorCode| fault("POST /a", &Error::from(code));
        // What the host says where it cannot log in for now, and where the source refuses the login.
        let passing = fault(ErrorCode::ConnectionTerminated);
        assert_eq!(
            (passing.code.as_str(), passing.domain, passing.retry),
            ("transport", Domain::External, Retry::Later)
        );
        let lasting = fault(ErrorCode::ConfigurationError);
        assert_eq!(
            (lasting.code.as_str(), lasting.domain, lasting.retry),
            ("configuration", Domain::User, Retry::Never)
        );
    }
}
