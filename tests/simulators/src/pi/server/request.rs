//! One request over the wire: what HTTP.sys checks, then who asks and how often, then the call itself, then how its
//! answer leaves.

use std::io::{self, Write as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::request::Parts;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming as Stream;

use crate::pi::answer::{Content, Head, Refusal};
use crate::pi::app::{App, Incoming};
use crate::pi::body::Rendered;
use crate::pi::fault::Transport;
use crate::pi::query::percent_decode;
use crate::pi::{auth, control};

/// HTTP.sys: request line and headers together.
const MAX_HEAD: usize = 16 << 10;
/// HTTP.sys: one segment of the path.
const MAX_SEGMENT: usize = 260;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Its address.
    pub(super) ip: IpAddr,
    /// Over TLS.
    pub(super) secure: bool,
    /// Set to have the connection reset.
    pub(super) reset: Arc<AtomicBool>,
}

/// Answers one request; an error closes the connection without an answer.
pub(super) async fn answer(
    app: Arc<App>,
    peer: Peer,
    request: Request<Stream>,
) -> Result<Response<Rendered>, io::Error> {
    let _in_progress = app.counter.begin();
    let (parts, stream) = request.into_parts();
    let mut out = Vec::new();
    let head = match receive(&app, &peer, &parts, stream).await {
        Ok(body) => tokio::task::block_in_place(|| execute(&app, &peer, &parts, &body, &mut out)),
        Err(refusal) => {
            app.counter.routed(false, "refused");
            refusal.write(&mut out)
        }
    };
    let wait = head.delay + app.config.latency;
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
    if head.transport == Some(Transport::Reset) {
        app.counter.answered(0, 0);
        peer.reset.store(true, Ordering::Release);
        return Err(io::Error::other("reset on purpose"));
    }
    respond(&app, &parts.headers, head, out)
}

/// Everything that is checked before a route is looked at; the body.
async fn receive(app: &App, peer: &Peer, parts: &Parts, stream: Stream) -> Result<Bytes, Refusal> {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + 12;
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line + headers > MAX_HEAD {
        return Err(Refusal::html(400, "Bad Request - Request Too Long"));
    }
    if parts.uri.path().split('/').any(|segment| percent_decode(segment, false).chars().count() > MAX_SEGMENT) {
        return Err(Refusal::html(400, "Bad Request - Invalid URL"));
    }
    let body = match Limited::new(stream, app.config.max_body).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::html(413, "Request Entity Too Large")),
        Err(_) => return Err(Refusal::html(400, "Bad Request")),
    };
    if control::is_for(app, parts.uri.path()) {
        return Ok(body);
    }
    auth::authenticate(&app.config.auth, &parts.headers)?;
    if let Some(limit) = app.config.rate_limit
        && !app.limiter.admit(peer.ip, limit)
    {
        let knobs = &app.config.knobs;
        return Err(Refusal::of_status(429, false, knobs.retry_after, knobs.rate_limit_json));
    }
    auth::forgery(&app.config, &parts.method, &parts.headers)?;
    if parts.method == http::Method::POST && !body.is_empty() {
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") && !kind.eq_ignore_ascii_case("text/json") {
            let text = format!("The request entity's media type '{kind}' is not supported for this resource.");
            return Err(Refusal::message(415, text));
        }
    }
    Ok(body)
}

fn execute(app: &App, peer: &Peer, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head {
    if control::is_for(app, parts.uri.path()) {
        return control::serve(app, parts, body, out);
    }
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = format!("{}://{host}/piwebapi", if peer.secure { "https" } else { "http" });
    let incoming = Incoming {
        sub: false,
        client: peer.ip,
        base: &base,
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        body,
    };
    app.answer(incoming, out)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        gzip && !parts.any(|quality| matches!(quality.trim_start_matches("q="), "0" | "0.0" | "0.00" | "0.000"))
    })
}

fn respond(app: &App, asked: &HeaderMap, head: Head, mut out: Vec<u8>) -> Result<Response<Rendered>, io::Error> {
    let mut response = Response::builder().status(head.status).header(header::SERVER, "Microsoft-HTTPAPI/2.0");
    if let Some(mime) = head.content.mime() {
        response = response.header(header::CONTENT_TYPE, mime);
    }
    for (name, value) in head.headers {
        response = response.header(name, value);
    }
    if app.config.gzip && head.content == Content::Json && !out.is_empty() && accepts_gzip(asked) {
        let mut encoder = GzEncoder::new(Vec::with_capacity(out.len() / 8), Compression::fast());
        encoder.write_all(&out)?;
        out = encoder.finish()?;
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    app.counter.answered(head.status, out.len());
    let chunked = app.config.knobs.chunked && head.content == Content::Json;
    let bytes = Bytes::from(out);
    let body = match head.transport {
        Some(Transport::Cut { keep, length }) => Rendered::cut(bytes, keep, length),
        Some(Transport::Stall(silence)) => Rendered::stall(bytes, silence, chunked),
        _ => Rendered::whole(bytes, chunked),
    };
    response.body(body).map_err(io::Error::other)
}
