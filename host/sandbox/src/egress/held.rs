//! Small answers are held back until they are whole, so that one that says "your token is not valid" can be told before a
//! guest sees it. A large one passes as it comes: what was held of it goes first.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use wasmtime_wasi_http::Error as WasiError;

use super::body::Received;

/// The largest answer that is held back, in bytes.
pub(super) const SMALL: usize = 64 << 10;

/// An answer, as far as it was waited for.
#[expect(clippy::large_enum_variant, reason = "there is one for each answer, and it moves once")]
pub(super) enum Held {
    /// All of it.
    Whole(Bytes),
    /// It is large, or it broke off.
    Part(Replay),
}

/// The body of an answer, from its beginning.
pub(super) struct Replay {
    held: VecDeque<Bytes>,
    failed: Option<WasiError>,
    rest: Option<Received>,
}

/// Waits for all of a small body.
pub(super) async fn hold(headers: &HeaderMap, mut body: Received) -> Held {
    let mut held = VecDeque::new();
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > SMALL) {
        return Held::Part(Replay { held, failed: None, rest: Some(body) });
    }
    let mut bytes = 0;
    loop {
        match body.frame().await {
            None => return Held::Whole(joined(held)),
            Some(Err(error)) => return Held::Part(Replay { held, failed: Some(error), rest: None }),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                bytes += data.len();
                held.push_back(data);
                if bytes > SMALL {
                    return Held::Part(Replay { held, failed: None, rest: Some(body) });
                }
            }
        }
    }
}

fn joined(mut held: VecDeque<Bytes>) -> Bytes {
    if held.len() < 2 {
        return held.pop_front().unwrap_or_default();
    }
    let mut whole = BytesMut::new();
    held.iter().for_each(|data| whole.extend_from_slice(data));
    whole.freeze()
}

impl Body for Replay {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        if let Some(data) = self.held.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }
}
