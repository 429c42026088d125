//! Whether the server compresses its answers. The gate unpacks them before a guest sees them, so only the gate can tell;
//! and its own client unpacks them before it sees them, so another client asks once.

use std::sync::atomic::Ordering;

use http::Method;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};

use url::Url;

use super::{Egress, client};

impl Egress {
    /// Asks for something small that the plugin may ask for, compressed. `None` where that cannot be had.
    pub(crate) async fn compresses(&self) -> Option<bool> {
        let capabilities = &self.config.capabilities;
        let plain =
            capabilities.iter().find(|capability| capability.method == "GET" && !capability.path.contains('*'))?;
        let url = format!("{}/{}", self.config.base.as_str().trim_end_matches('/'), plain.path);
        self.policy.admit_url(&Method::GET, &Url::parse(&url).ok()?).ok()?;
        let client = client::build(&self.config, false).ok()?;
        let _permit = self.budget.enter().await?;
        let mut request = client.get(url).header(ACCEPT_ENCODING, "gzip").timeout(self.config.response_timeout);
        if let Some(mut value) = self.config.credentials.authorization().await.ok()? {
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await.ok()?;
        let coded = response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        response.status().is_success().then_some(coded)
    }
}
