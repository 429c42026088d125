//! The part of `/_sim/…` that every simulator has: figures, faults, and the end of what has arrived.

use anyhow::{Context, Result};
use http::Method;
use http::request::Parts;
use serde_json::{Value as Json, json};

use super::answer::{Head, Refusal};
use super::clock::Clock;
use super::fault::{Book, Effects, Fault};
use super::time::parse_rfc3339;

/// Answers `/_sim/faults` and `/_sim/end`; `None`: another request.
pub(crate) fn common<E: Effects>(parts: &Parts, body: &[u8], book: &Book<E>, clock: &Clock) -> Option<Result<Json>> {
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/_sim/faults") => Some(Ok(json!({"fired": book.fired()}))),
        (&Method::POST, "/_sim/faults") => Some(faults(book, body)),
        (&Method::POST, "/_sim/end") => Some(end(clock, body)),
        _ => None,
    }
}

/// Writes what a control request came to.
pub(crate) fn finish(result: Result<Json>, out: &mut Vec<u8>) -> Head {
    match result {
        Ok(answer) => {
            out.extend_from_slice(answer.to_string().as_bytes());
            Head::json(200)
        }
        Err(error) => Refusal::bad(format!("{error:#}")).write(out),
    }
}

/// The instant in ns that a query parameter names.
pub(crate) fn nanos(text: Option<&str>, default: i64) -> Result<i64> {
    match text {
        Some(text) => parse_rfc3339(text).map(|ticks| ticks.saturating_mul(100)),
        None => Ok(default),
    }
}

fn faults<E: Effects>(book: &Book<E>, body: &[u8]) -> Result<Json> {
    let list: Vec<Json> = serde_json::from_slice(body).context("expected a JSON list of faults")?;
    let read = |fault: &Json| match fault {
        Json::String(spec) => Fault::parse(spec),
        other => Fault::parse(&other.to_string()),
    };
    let faults = list.iter().map(read).collect::<Result<Vec<_>>>()?;
    let count = faults.len();
    book.set(faults);
    Ok(json!({"armed": count}))
}

fn end(clock: &Clock, body: &[u8]) -> Result<Json> {
    let body: Json = serde_json::from_slice(body).context("end")?;
    let text = body.get("end").and_then(Json::as_str).context("the member end is missing")?;
    clock.set_end(parse_rfc3339(text)?);
    Ok(json!({}))
}
