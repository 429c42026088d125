//! The whole body of an answer in one vector.

use wstd::http::{Body, BodyExt, Response};

use super::transport;
use crate::Fault;

/// The largest vector made on a server's word alone, in bytes; beyond it grows with what really arrives.
const TRUST: u64 = 64 * 1024 * 1024;

/// Reads to the end, and fails when the end comes early: half an answer must never pass for an answer.
pub(super) async fn read(what: &str, answer: Response<Body>) -> Result<Vec<u8>, Fault> {
    let body = answer.into_body();
    let declared = body.content_length();
    let capacity = usize::try_from(declared.unwrap_or(0).min(TRUST)).unwrap_or(0);
    let mut bytes = Vec::with_capacity(capacity);
    let mut frames = body.into_boxed_body();
    while let Some(frame) = frames.frame().await {
        let frame = frame.map_err(|error| transport::body_fault(what, &error))?;
        if let Some(data) = frame.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    match declared {
        Some(declared) if (bytes.len() as u64) < declared => Err(Fault::external(
            "truncated-body",
            format!("{what}: {} of {declared} bytes arrived, then the connection ended", bytes.len()),
        )),
        _ => Ok(bytes),
    }
}
