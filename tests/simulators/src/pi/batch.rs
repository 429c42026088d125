//! `POST /batch`: many requests in one, in the dialect that the server is set to.
//!
//! Sub-answers are rendered into the one buffer that goes to the socket. A sub-answer that is not plain JSON with
//! status 200 is rewritten in place, which is rare.

mod dictionary;
mod jsonpath;
mod requests;

use serde_json::Value;

use super::answer::{Content, Head, Refusal};
use super::app::{Call, Incoming};
use super::config::Dialect;
use super::render;

/// `POST /batch`.
pub(crate) fn execute(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let body: Value =
        serde_json::from_slice(call.body).map_err(|error| Refusal::message(400, format!("Invalid JSON: {error}.")))?;
    match call.app.config.dialect {
        Dialect::Dictionary => dictionary::execute(call, &body, out),
        Dialect::Requests => requests::execute(call, &body, out),
    }
}

/// Refuses a batch with too many requests.
fn limit(call: &Call<'_>, count: usize) -> Result<(), Refusal> {
    match call.app.config.knobs.batch_limit {
        Some(limit) if count > limit => {
            Err(Refusal::bad(format!("The number of requests is greater than the maximum allowed ({limit}).")))
        }
        _ => Ok(()),
    }
}

/// One sub-answer's place in the buffer.
#[derive(Clone, Debug)]
struct Done {
    status: u16,
    content: std::ops::Range<usize>,
}

/// Appends `{"Status":…,"Headers":…,"Content":…}`, whose content `fill` writes; faults on the connection go to `outer`.
fn envelope(
    out: &mut Vec<u8>,
    outer: &mut Head,
    headers: bool,
    fill: impl FnOnce(&mut Vec<u8>, &mut Head) -> Head,
) -> Done {
    let json = Content::Json.mime().unwrap_or_default();
    let plain = if headers {
        format!("{{\"Status\":200,\"Headers\":{{\"Content-Type\":\"{json}\"}},\"Content\":")
    } else {
        "{\"Status\":200,\"Content\":".to_owned()
    };
    let start = out.len();
    out.extend_from_slice(plain.as_bytes());
    let from = out.len();
    let head = fill(out, outer);
    outer.delay = outer.delay.max(head.delay);
    outer.transport = outer.transport.or(head.transport);
    if head.status == 200 && head.content == Content::Json && head.headers.is_empty() {
        let content = from..out.len();
        out.push(b'}');
        return Done { status: 200, content };
    }
    let body = out.split_off(from);
    out.truncate(start);
    out.extend_from_slice(format!("{{\"Status\":{},", head.status).as_bytes());
    if headers {
        out.extend_from_slice(b"\"Headers\":{");
        let mime = head.content.mime().map(|mime| ("Content-Type", mime.to_owned()));
        for (index, (name, value)) in mime.into_iter().chain(head.headers).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            render::string(out, name);
            out.push(b':');
            render::string(out, &value);
        }
        out.extend_from_slice(b"},");
    }
    out.extend_from_slice(b"\"Content\":");
    let from = out.len();
    let valid = head.content == Content::Json && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
    match head.content {
        Content::Nothing => out.extend_from_slice(b"null"),
        _ if valid => out.extend_from_slice(&body),
        _ => render::string(out, &String::from_utf8_lossy(&body)),
    }
    let content = from..out.len();
    out.push(b'}');
    Done { status: head.status, content }
}

/// Runs one sub-request whose target is decided; it may count for the rate limit, as the server is set.
fn run(call: &Call<'_>, method: &str, path: &str, query: &str, body: &[u8], out: &mut Vec<u8>) -> Head {
    let (app, client) = (call.app, call.client);
    let knobs = &app.config.knobs;
    let limit = app.config.rate_limit.filter(|_| knobs.rate_limit_counts_subs);
    if limit.is_some_and(|limit| !app.limiter.admit(client, limit)) {
        return Refusal::of_status(429, true, knobs.retry_after, knobs.rate_limit_json).write(out);
    }
    app.call(Incoming { sub: true, client, base: call.base, method, path, query, body }, out)
}
