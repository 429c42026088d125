//! How a PI Web API server refuses (reference §10).

pub(crate) use crate::shared::answer::{Body, Content, Head, Refusal};

impl Refusal {
    /// 400 of the framework's model binding.
    pub(crate) fn binding(parameter: &str, text: &str) -> Refusal {
        Refusal::message(400, format!("The value '{text}' is not valid for parameter '{parameter}'."))
    }

    /// 404 for a route that does not exist.
    pub(crate) fn no_route(uri: &str) -> Refusal {
        Refusal::message(404, format!("No HTTP resource was found that matches the request URI '{uri}'."))
    }

    /// 405.
    pub(crate) fn method(method: &str, allow: &'static str) -> Refusal {
        let text = format!("The requested resource does not support http method '{method}'.");
        Refusal { headers: vec![("Allow", allow.to_owned())], ..Refusal::message(405, text) }
    }

    /// The answer that a real server gives with this status.
    pub(crate) fn of_status(status: u16, sub: bool, retry_after: Option<u32>, rate_json: bool) -> Refusal {
        let mut refusal = match status {
            401 => Refusal::message(401, "Authorization has been denied for this request."),
            403 => Refusal::message(403, "Access to this resource is forbidden."),
            404 => Refusal::errors(404, "The specified object was not found."),
            409 => Refusal::errors(409, "The operation is not supported by this data reference."),
            413 => Refusal::html(413, "Request Entity Too Large"),
            429 => {
                let text = "Rate limit was reached. Try again later.";
                let body = if rate_json { Body::Errors(vec![text.to_owned()]) } else { Body::Text(text.to_owned()) };
                Refusal { status: 429, body, headers: Vec::new() }
            }
            500 => Refusal::errors(500, "An internal error occurred while processing the request."),
            501 => Refusal::errors(501, "The value type is not supported."),
            502 => Refusal::errors(502, "The PI Data Archive rejected the request or could not be reached."),
            503 => Refusal::html(503, "Service Unavailable"),
            504 if sub => Refusal { status, body: Body::Nothing, headers: Vec::new() },
            504 => Refusal::html(504, "Gateway Timeout"),
            other => Refusal::errors(other, "Simulated failure."),
        };
        if let (429 | 503, Some(seconds)) = (status, retry_after) {
            refusal.headers.push(("Retry-After", seconds.to_string()));
        }
        refusal
    }
}
