//! Bodies on their way to the socket: whole, or going wrong in the middle.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

/// Bytes handed to the connection at once.
const CHUNK: usize = 256 << 10;
/// hyper drops what it has not written yet when a body fails, so a cut waits for the client to read that far.
const DRAIN: Duration = Duration::from_millis(40);

/// A body that is already rendered.
#[derive(Debug)]
pub(crate) struct Rendered {
    rest: Bytes,
    announced: Option<u64>,
    ending: Ending,
}

/// How it goes on once `rest` has been sent.
#[derive(Debug)]
enum Ending {
    /// It is over.
    Clean,
    /// After a moment, in which what stands before it reaches the client, the connection breaks.
    Cut(Pin<Box<Sleep>>),
    /// After a silence this follows.
    Silence(Pin<Box<Sleep>>, Bytes),
}

impl Rendered {
    /// A body that arrives whole, chunked or with its length announced.
    pub(crate) fn whole(bytes: Bytes, chunked: bool) -> Rendered {
        let announced = (!chunked).then_some(bytes.len() as u64);
        Rendered { rest: bytes, announced, ending: Ending::Clean }
    }

    /// Only a share of the body is sent; then the connection is closed. Call inside the runtime.
    pub(crate) fn cut(bytes: Bytes, keep: f64, length: bool) -> Rendered {
        let announced = length.then_some(bytes.len() as u64);
        let keep = ((bytes.len() as f64 * keep.clamp(0.0, 1.0)) as usize).min(bytes.len().saturating_sub(1));
        let ending = Ending::Cut(Box::pin(tokio::time::sleep(DRAIN)));
        Rendered { rest: bytes.slice(..keep), announced, ending }
    }

    /// Half of the body, a silence, the other half. Call inside the runtime.
    pub(crate) fn stall(bytes: Bytes, silence: Duration, chunked: bool) -> Rendered {
        let announced = (!chunked).then_some(bytes.len() as u64);
        let half = bytes.len() / 2;
        let ending = Ending::Silence(Box::pin(tokio::time::sleep(silence)), bytes.slice(half..));
        Rendered { rest: bytes.slice(..half), announced, ending }
    }
}

impl Body for Rendered {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        loop {
            if !this.rest.is_empty() {
                let len = this.rest.len().min(CHUNK);
                return Poll::Ready(Some(Ok(Frame::data(this.rest.split_to(len)))));
            }
            match &mut this.ending {
                Ending::Clean => return Poll::Ready(None),
                Ending::Cut(sleep) => {
                    std::task::ready!(sleep.as_mut().poll(cx));
                    return Poll::Ready(Some(Err(io::Error::other("cut on purpose"))));
                }
                Ending::Silence(sleep, tail) => {
                    std::task::ready!(sleep.as_mut().poll(cx));
                    this.rest = std::mem::take(tail);
                    this.ending = Ending::Clean;
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && matches!(self.ending, Ending::Clean)
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
