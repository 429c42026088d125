//! Bodies on their way through the gate. A request's body is collected, so that it can be sent again; a response's
//! body streams, counted, bounded and watched for silence, and holds its place in the budget until it has ended.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::Sleep;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use super::Counters;
use super::audit::Entry;
use super::budget::Permit;
use super::failure::Failure;
use super::trail::Trail;
use crate::limits::Busy;

/// The whole body of a request, at most `limit` bytes; `silence` bounds the wait for each piece of it.
pub(super) async fn collect(mut body: WasiBody, limit: u64, silence: Duration) -> Result<Bytes, Failure> {
    let mut whole = BytesMut::new();
    loop {
        let Ok(frame) = tokio::time::timeout(silence, body.frame()).await else {
            let text = format!("the plugin sent no piece of its request for {} s", silence.as_secs());
            return Err(Failure::bad_request(text, WasiError::ConnectionWriteTimeout));
        };
        match frame {
            None => return Ok(whole.freeze()),
            Some(Err(error)) => {
                return Err(Failure::bad_request("the plugin broke off its own request", error));
            }
            Some(Ok(frame)) => whole.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
        if whole.len() as u64 > limit {
            let text = format!("the plugin sent a request of more than {limit} bytes");
            return Err(Failure::bad_request(text, WasiError::HttpRequestBodySize(Some(limit))));
        }
    }
}

/// What a response's body reports to.
pub(super) struct Watch {
    pub(super) what: String,
    pub(super) _permit: Permit,
    pub(super) trail: Arc<Trail>,
    pub(super) busy: Busy,
    pub(super) counters: Arc<Counters>,
    pub(super) silence: Duration,
    pub(super) limit: u64,
    pub(super) started: Instant,
    pub(super) entry: Option<Entry>,
}

/// The body of a response on its way to the guest.
pub(super) struct Received {
    inner: reqwest::Body,
    /// Dropped with the last byte: the place in the budget is free although the guest still holds the body.
    watch: Option<Watch>,
    quiet: Pin<Box<Sleep>>,
    waiting: bool,
    bytes: u64,
}

impl Received {
    pub(super) fn new(inner: reqwest::Body, watch: Watch) -> Self {
        let quiet = Box::pin(tokio::time::sleep(watch.silence));
        Self { inner, watch: Some(watch), quiet, waiting: false, bytes: 0 }
    }

    /// Ends the body: with its last byte, or with the failure that cut it short.
    fn end(&mut self, failure: Option<Failure>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        self.inner = reqwest::Body::default();
        let Some(mut watch) = self.watch.take() else { return Poll::Ready(None) };
        let ms = watch.started.elapsed().as_millis();
        match failure {
            None => {
                tracing::debug!(request = watch.what, bytes = self.bytes, ms, "answer received");
                Poll::Ready(None)
            }
            Some(failure) => {
                tracing::debug!(request = watch.what, bytes = self.bytes, ms, cause = %failure.note, "answer cut short");
                watch.trail.failed(&failure.note);
                if let Some(entry) = &mut watch.entry {
                    entry.failed(&failure.note.fault);
                }
                Poll::Ready(Some(Err(failure.error)))
            }
        }
    }

    /// Whether the server has been silent for too long. The clock starts when the guest begins to wait: time in which
    /// it does something else is not the server's.
    fn silent(&mut self, cx: &mut Context<'_>, silence: Duration) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            self.quiet.as_mut().reset(tokio::time::Instant::now() + silence);
        }
        self.quiet.as_mut().poll(cx)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        loop {
            let Some(watch) = &self.watch else { return Poll::Ready(None) };
            let (silence, limit, before) = (watch.silence, watch.limit, self.bytes);
            let Poll::Ready(next) = Pin::new(&mut self.inner).poll_frame(cx) else {
                ready!(self.silent(cx, silence));
                let text =
                    self.watch.as_ref().map(|watch| format!("{}: no byte for {} s", watch.what, silence.as_secs_f64()));
                return self.end(text.map(Failure::timeout));
            };
            self.waiting = false;
            let Some(watch) = &mut self.watch else { return Poll::Ready(None) };
            let frame = match next {
                None => return self.end(None),
                Some(Err(error)) => {
                    let failure = Failure::cut(&watch.what, &error);
                    return self.end(Some(failure));
                }
                Some(Ok(frame)) => frame,
            };
            // Trailers say nothing that a plugin needs.
            let Ok(data) = frame.into_data() else { continue };
            watch.busy.progress();
            if let Some(entry) = &mut watch.entry {
                entry.received(data.len());
            }
            watch.counters.bytes_received.fetch_add(data.len() as u64, Ordering::Relaxed);
            let bytes = before + data.len() as u64;
            if bytes > limit {
                let text = format!("{}: the answer is larger than {limit} bytes", watch.what);
                return self.end(Some(Failure::too_large(text, limit)));
            }
            self.bytes = bytes;
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }
}
