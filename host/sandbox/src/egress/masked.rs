//! A body on its way to a guest, without a secret.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use wasmtime_wasi_http::Error as WasiError;

use super::mask::Mask;

/// What `inner` holds, masked piece by piece as it comes.
pub(super) struct Masked<B> {
    inner: B,
    mask: Mask,
}

impl<B> Masked<B> {
    pub(super) fn new(inner: B, mask: Mask) -> Self {
        Self { inner, mask }
    }
}

impl<B: Body<Data = Bytes, Error = WasiError> + Unpin> Body for Masked<B> {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        loop {
            let clean = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let clean = self.mask.pass(data);
                    if clean.is_empty() {
                        continue;
                    }
                    clean
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => self.mask.finish(),
            };
            return Poll::Ready((!clean.is_empty()).then(|| Ok(Frame::data(clean))));
        }
    }
}
