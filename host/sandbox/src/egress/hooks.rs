//! Where `wasi:http` meets the gate.

use std::future::Future;
use std::sync::Arc;

use http::{Request, Response};
use wasmtime_wasi_http::{Error as WasiError, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use super::exchange::Caller;
use super::failure::Failure;
use super::{Egress, Trail, headers};
use crate::limits::{Busy, Limits};

type Done = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Done), WasiError>> + Send>;

/// The gate as one call of a plugin sees it. Without an egress (while a plugin describes itself) it is closed.
pub(crate) struct Gate {
    egress: Option<Arc<Egress>>,
    trail: Arc<Trail>,
    busy: Busy,
    request_bytes: u64,
    response_bytes: u64,
}

impl Gate {
    pub(crate) fn new(egress: Option<Arc<Egress>>, trail: Arc<Trail>, busy: Busy, limits: &Limits) -> Self {
        let Limits { request_bytes, response_bytes, .. } = *limits;
        Self { egress, trail, busy, request_bytes, response_bytes }
    }
}

impl WasiHttpHooks for Gate {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        let trail = Arc::clone(&self.trail);
        Arc::new(move |name| {
            // Answers were stripped of these before, so only a guest can have named one.
            if headers::is_identity(name) {
                let text = format!("the plugin tried to set the header `{name}`");
                trail.failed(
                    &Failure::refused(text, "credentials belong in the section auth; only the gate sends them").note,
                );
            }
            headers::is_forbidden(name)
        })
    }

    // The client states the host itself.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Done,
    ) -> Sending {
        self.busy.progress();
        let caller = Caller {
            trail: Arc::clone(&self.trail),
            busy: self.busy.clone(),
            options: options.unwrap_or_default(),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
        };
        let egress = self.egress.clone();
        Box::new(async move {
            let Some(egress) = egress else { return Err(WasiError::HttpRequestDenied) };
            let response = egress.send(request, caller).await.map_err(|failure| failure.error)?;
            let done: Done = Box::new(async { Ok(()) });
            Ok((response, done))
        })
    }
}
