//! Answers that are not data: how a server refuses, and what stands around every body.

use std::time::Duration;

use super::fault::Transport;
use super::text;

/// Everything about an answer but its body.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// HTTP status.
    pub(crate) status: u16,
    /// Type of the body.
    pub(crate) content: Content,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Time to wait before it is sent.
    pub(crate) delay: Duration,
    /// What happens to the connection.
    pub(crate) transport: Option<Transport>,
}

/// Type of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// `application/json; charset=utf-8`.
    Json,
    /// `text/html`.
    Html,
    /// `text/plain`.
    Text,
    /// No body.
    Nothing,
}

impl Content {
    /// The header's value.
    pub(crate) fn mime(self) -> Option<&'static str> {
        match self {
            Content::Json => Some("application/json; charset=utf-8"),
            Content::Html => Some("text/html; charset=us-ascii"),
            Content::Text => Some("text/plain; charset=utf-8"),
            Content::Nothing => None,
        }
    }
}

impl Head {
    /// A JSON answer with this status.
    pub(crate) fn json(status: u16) -> Head {
        Head { status, content: Content::Json, headers: Vec::new(), delay: Duration::ZERO, transport: None }
    }
}

/// Why a request is not answered with data.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: Body,
    /// Further headers.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The shapes that error bodies take.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// `{"Errors":[…]}`: PI Web API itself.
    Errors(Vec<String>),
    /// `{"Message":"…"}`: the framework below it.
    Message(String),
    /// A page: HTTP.sys or a proxy.
    Html(&'static str),
    /// Plain text.
    Text(String),
    /// Nothing at all.
    Nothing,
}

impl Refusal {
    /// With an `Errors` body.
    pub(crate) fn errors(status: u16, text: impl Into<String>) -> Refusal {
        Refusal { status, body: Body::Errors(vec![text.into()]), headers: Vec::new() }
    }

    /// With a `Message` body.
    pub(crate) fn message(status: u16, text: impl Into<String>) -> Refusal {
        Refusal { status, body: Body::Message(text.into()), headers: Vec::new() }
    }

    /// 400 with an `Errors` body.
    pub(crate) fn bad(text: String) -> Refusal {
        Refusal::errors(400, text)
    }

    /// A page, as HTTP.sys sends it.
    pub(crate) fn html(status: u16, title: &'static str) -> Refusal {
        Refusal { status, body: Body::Html(title), headers: Vec::new() }
    }

    /// Appends the body; the head that belongs to it.
    pub(crate) fn write(self, out: &mut Vec<u8>) -> Head {
        let content = match &self.body {
            Body::Errors(texts) => {
                out.extend_from_slice(b"{\"Errors\":");
                text::strings(out, texts);
                out.push(b'}');
                Content::Json
            }
            Body::Message(message) => {
                out.extend_from_slice(b"{\"Message\":");
                text::string(out, message);
                out.push(b'}');
                Content::Json
            }
            Body::Html(title) => {
                page(out, self.status, title);
                Content::Html
            }
            Body::Text(text) => {
                out.extend_from_slice(text.as_bytes());
                Content::Text
            }
            Body::Nothing => Content::Nothing,
        };
        Head { content, headers: self.headers, ..Head::json(self.status) }
    }
}

/// A page in the manner of HTTP.sys.
pub(crate) fn page(out: &mut Vec<u8>, status: u16, title: &str) {
    let text = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n\
         <HTML><HEAD><TITLE>{title}</TITLE></HEAD>\r\n<BODY><h2>{title}</h2>\r\n\
         <hr><p>HTTP Error {status}. {title}.</p>\r\n</BODY></HTML>\r\n"
    );
    out.extend_from_slice(text.as_bytes());
}
