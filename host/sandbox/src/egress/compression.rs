//! Whether the server compresses its answers. The gate unpacks them before a guest sees them, so only the gate can tell;
//! and its own client unpacks them before it sees them, so another client asks once.

use std::sync::atomic::Ordering;

use http::Method;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};

use super::failure::Failure;
use super::{Egress, client};

impl Egress {
    /// Asks for something small that the plugin may ask for, compressed. `None` where that cannot be had.
    pub(crate) async fn compresses(&self) -> Option<bool> {
        let capabilities = &self.config.capabilities;
        let plain =
            capabilities.iter().find(|capability| capability.method == "GET" && !capability.path.contains('*'))?;
        let url = self.policy.own(plain);
        self.policy.admit_url(&Method::GET, &url).ok()?;
        let client = client::build(&self.config, false).ok()?;
        self.recordable().ok()?;
        let _permit = self.budget.enter().await?;
        let mut request = client.get(url.clone()).header(ACCEPT_ENCODING, "gzip").timeout(self.config.response_timeout);
        if let Some(value) = self.config.credentials.header().await.ok()? {
            request = request.header(AUTHORIZATION, value);
        }
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let mut entry = self.record(&Method::GET, &url, 0);
        let sent = request.send().await;
        if let Some(entry) = &mut entry {
            match &sent {
                Ok(response) => entry.answered(response.status()),
                Err(error) => entry.failed(&Failure::transport("", self.policy.host(), error).note.fault),
            }
        }
        let response = sent.ok()?;
        let coded = response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        response.status().is_success().then_some(coded)
    }
}
