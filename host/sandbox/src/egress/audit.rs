//! A record of every request that leaves, one for each exchange: written when the exchange has ended, however it ended,
//! and also when the policy has kept the request from leaving.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::{Method, StatusCode, Uri};
use tidegate_model::Fault;
use url::Url;

use super::Egress;
use crate::describe::printable;

/// Keeps records of requests. May be called from any thread, and must neither fail nor wait long.
pub trait Audit: Send + Sync {
    /// Whether what is asked now can be recorded. Nothing is asked of the source otherwise.
    ///
    /// # Errors
    /// Why records cannot be kept any more.
    fn ready(&self) -> Result<(), Fault>;

    /// Takes a record.
    fn keep(&self, record: &Record);
}

/// What is known of one request when it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was sent, or refused.
    pub time: SystemTime,
    /// `GET`, `POST`, …
    pub method: String,
    /// Without user information; a query may still hold what only the operator knows to be secret.
    pub url: String,
    /// Of the answer, where one began.
    pub status: Option<u16>,
    /// The code of what went wrong, where something did.
    pub error: Option<String>,
    /// Why it never left, where it did not.
    pub refused: Option<String>,
    /// Bytes of the answer's body that were read, after decompression.
    pub bytes: u64,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// From sending to the end of the exchange.
    pub duration: Duration,
}

/// The record of an exchange that has begun; kept when it is dropped.
pub(super) struct Entry {
    audit: Arc<dyn Audit>,
    record: Record,
    started: Instant,
}

/// The code of a request that nobody waited for.
const ABANDONED: &str = "abandoned";

impl Egress {
    /// Whether a request that is sent now can be recorded.
    pub(super) fn recordable(&self) -> Result<(), Fault> {
        self.config.audit.as_ref().map_or(Ok(()), |audit| audit.ready())
    }

    /// Begins the record of a request that is about to leave.
    pub(super) fn record(&self, method: &Method, url: &Url, request_bytes: usize) -> Option<Entry> {
        let audit = Arc::clone(self.config.audit.as_ref()?);
        let mut record = record(method, url.to_string());
        record.request_bytes = request_bytes as u64;
        record.error = Some(ABANDONED.to_owned());
        Some(Entry { audit, record, started: Instant::now() })
    }

    /// Records what the policy kept from leaving.
    pub(super) fn record_refused(&self, method: &Method, url: String, reason: &str) {
        if let Some(audit) = &self.config.audit {
            audit.keep(&Record { refused: Some(reason.to_owned()), ..record(method, url) });
        }
    }
}

impl Entry {
    /// An answer begins.
    pub(super) fn answered(&mut self, status: StatusCode) {
        self.record.status = Some(status.as_u16());
        self.record.error = None;
    }

    /// A piece of its body has come.
    pub(super) fn received(&mut self, bytes: usize) {
        self.record.bytes += bytes as u64;
    }

    /// The exchange fails.
    pub(super) fn failed(&mut self, fault: &Fault) {
        self.record.error = Some(fault.code.clone());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.record.duration = self.started.elapsed();
        self.audit.keep(&self.record);
    }
}

fn record(method: &Method, url: String) -> Record {
    Record {
        time: SystemTime::now(),
        method: method.to_string(),
        url,
        status: None,
        error: None,
        refused: None,
        bytes: 0,
        request_bytes: 0,
        duration: Duration::ZERO,
    }
}

/// What a guest asked for, as text: without user information, however strange the rest is.
pub(super) fn plain(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
    format!("{}://{host}{rest}", uri.scheme_str().unwrap_or_default())
}

/// Where a server redirects to, as text: without user information and query, for these are the server's words.
pub(super) fn target(url: &Url) -> String {
    printable(&format!("{}{}", url.origin().ascii_serialization(), url.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_information_is_in_a_record() {
        let uri: Uri = "https://jo:pass@evil.com:8443/a?b=c@d".parse().unwrap();
        assert_eq!(plain(&uri), "https://evil.com:8443/a?b=c@d");
        let url = Url::parse("https://jo:pass@evil.com/a?t=s3cret").unwrap();
        assert_eq!(target(&url), "https://evil.com/a");
    }
}
