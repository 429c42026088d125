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

use super::Application;
use crate::shared::answer::{Content, Head, Refusal};
use crate::shared::body::Rendered;
use crate::shared::fault::Transport;
use crate::shared::query::percent_decode;

/// HTTP.sys: request line and headers together.
const MAX_HEAD: usize = 16 << 10;
/// HTTP.sys: one segment of the path.
const MAX_SEGMENT: usize = 260;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) ip: IpAddr,
    /// Over TLS.
    pub(crate) secure: bool,
    /// Set to have the connection reset.
    pub(super) reset: Arc<AtomicBool>,
}

/// Answers one request; an error closes the connection without an answer.
pub(super) async fn answer<A: Application>(
    app: Arc<A>,
    peer: Peer,
    request: Request<Stream>,
) -> Result<Response<Rendered>, io::Error> {
    let _in_progress = app.counter().begin();
    let (parts, stream) = request.into_parts();
    let mut out = Vec::new();
    let head = match receive(&*app, &peer, &parts, stream).await {
        Ok(body) => tokio::task::block_in_place(|| app.answer(&peer, &parts, &body, &mut out)),
        Err(refusal) => {
            app.counter().routed(false, "refused");
            refusal.write(&mut out)
        }
    };
    let wait = head.delay + app.settings().latency;
    if wait > Duration::ZERO {
        tokio::time::sleep(wait).await;
    }
    if head.transport == Some(Transport::Reset) {
        app.counter().answered(0, 0);
        peer.reset.store(true, Ordering::Release);
        return Err(io::Error::other("reset on purpose"));
    }
    respond(&*app, &parts.headers, head, out)
}

/// Everything that is checked before a route is looked at; the body.
async fn receive<A: Application>(app: &A, peer: &Peer, parts: &Parts, stream: Stream) -> Result<Bytes, Refusal> {
    let line = parts.method.as_str().len() + parts.uri.to_string().len() + 12;
    let headers: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if line + headers > MAX_HEAD {
        return Err(Refusal::html(400, "Bad Request - Request Too Long"));
    }
    if parts.uri.path().split('/').any(|segment| percent_decode(segment, false).chars().count() > MAX_SEGMENT) {
        return Err(Refusal::html(400, "Bad Request - Invalid URL"));
    }
    let body = match Limited::new(stream, app.settings().max_body).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(Refusal::html(413, "Request Entity Too Large")),
        Err(_) => return Err(Refusal::html(400, "Bad Request")),
    };
    app.admit(peer, parts, &body)?;
    Ok(body)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        gzip && !parts.any(|quality| matches!(quality.trim_start_matches("q="), "0" | "0.0" | "0.00" | "0.000"))
    })
}

fn respond<A: Application>(
    app: &A,
    asked: &HeaderMap,
    head: Head,
    mut out: Vec<u8>,
) -> Result<Response<Rendered>, io::Error> {
    let mut response = Response::builder().status(head.status).header(header::SERVER, "Microsoft-HTTPAPI/2.0");
    if let Some(mime) = head.content.mime() {
        response = response.header(header::CONTENT_TYPE, mime);
    }
    for (name, value) in head.headers {
        response = response.header(name, value);
    }
    if app.settings().gzip && head.content == Content::Json && !out.is_empty() && accepts_gzip(asked) {
        let mut encoder = GzEncoder::new(Vec::with_capacity(out.len() / 8), Compression::fast());
        encoder.write_all(&out)?;
        out = encoder.finish()?;
        response = response.header(header::CONTENT_ENCODING, "gzip");
    }
    app.counter().answered(head.status, out.len());
    let chunked = app.settings().chunked && head.content == Content::Json;
    let bytes = Bytes::from(out);
    let body = match head.transport {
        Some(Transport::Cut { keep, length }) => Rendered::cut(bytes, keep, length),
        Some(Transport::Stall(silence)) => Rendered::stall(bytes, silence, chunked),
        _ => Rendered::whole(bytes, chunked),
    };
    response.body(body).map_err(io::Error::other)
}
