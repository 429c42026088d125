//! Requests to the historian: JSON over HTTP, whole bodies, failures as [`Fault`]s.
//!
//! Thin on purpose. The host's egress adds credentials, keeps connections, follows redirects, inflates gzip, waits
//! for the budget and repeats what is worth repeating, once for every plugin. So nothing here loops, sleeps or sets
//! `Authorization`: a second retry policy would multiply the load on a historian that is already in trouble.

mod body;
mod encode;
mod transport;

pub use encode::{encode, push_encoded};

use serde::Deserialize;
use wstd::http::{Body, Method, Request};

use crate::Fault;

/// Sends requests below one address.
///
/// ```no_run
/// # async fn example() -> Result<(), tidegate_sdk::Fault> {
/// use tidegate_sdk::http::Client;
///
/// let client = Client::new("https://pi.example.com/piwebapi").header("X-Requested-With", "Tidegate");
/// let answer = client.get("/system").await?.success()?;
/// let system: serde_json::Value = answer.json()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A client for everything below `base`, which is `source.url`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// Sends this header with each request. The host strips credentials, cookies and proxy headers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The address without a slash at its end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET base + path`, where `path` begins with `/` and may hold an encoded query.
    ///
    /// # Errors
    /// When no whole answer arrives: `transport`, `timeout`, `tls`, `truncated-body`, `egress-refused`… An answer
    /// with an error status is not an error yet: see [`Response::success`].
    pub async fn get(&self, path: &str) -> Result<Response, Fault> {
        self.send(Method::GET, path, None).await
    }

    /// `POST base + path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post_json(&self, path: &str, json: Vec<u8>) -> Result<Response, Fault> {
        self.send(Method::POST, path, Some(json)).await
    }

    async fn send(&self, method: Method, path: &str, json: Option<Vec<u8>>) -> Result<Response, Fault> {
        let what = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let mut request =
            Request::builder().method(method).uri(format!("{}{path}", self.base)).header("accept", "application/json");
        if json.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = json.map_or_else(Body::empty, Body::from);
        let request = request.body(body).map_err(|error| {
            Fault::user(
                "bad-request",
                format!("{what}: {error}; check `source.url` and the names in the configuration"),
            )
        })?;
        let answer = wstd::http::Client::new().send(request).await.map_err(|error| transport::fault(&what, &error))?;
        let status = answer.status().as_u16();
        let body = body::read(&what, answer).await?;
        Ok(Response { what, status, body })
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    what: String,
    status: u16,
    body: Vec<u8>,
}

impl Response {
    /// An answer made by hand; for tests.
    #[must_use]
    pub fn new(what: &str, status: u16, body: Vec<u8>) -> Self {
        Self { what: what.to_owned(), status, body }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All bytes of the body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    ///
    /// # Errors
    /// `malformed-answer` when it is not UTF-8.
    pub fn text(&self) -> Result<&str, Fault> {
        std::str::from_utf8(&self.body).map_err(|error| {
            Fault::external("malformed-answer", format!("{}: the answer is not UTF-8: {error}", self.what))
        })
    }

    /// This answer, if its status is 2xx.
    ///
    /// # Errors
    /// [`Fault::status`] with what the server said.
    pub fn success(self) -> Result<Self, Fault> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(Fault::status(self.status, &self.what, &String::from_utf8_lossy(&self.body)))
    }

    /// The body read as JSON, borrowing its strings where they hold no escapes.
    ///
    /// # Errors
    /// `truncated-body` when the text ends early, `malformed-answer` when it is not the JSON expected.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        serde_json::from_str(self.text()?).map_err(|error| json_fault(&self.what, &error))
    }
}

/// The fault for an answer that is not the JSON expected.
#[must_use]
pub fn json_fault(what: &str, error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        Fault::external("truncated-body", format!("{what}: the answer ends in the middle: {error}"))
    } else {
        Fault::external("malformed-answer", format!("{what}: the answer is not the JSON expected: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_answer_is_told_from_a_wrong_one() {
        let cut = Response::new("GET /x", 200, br#"{"Items":[1,2"#.to_vec());
        assert_eq!(cut.json::<serde_json::Value>().unwrap_err().code, "truncated-body");
        let html = Response::new("GET /x", 200, b"<html>".to_vec());
        assert_eq!(html.json::<serde_json::Value>().unwrap_err().code, "malformed-answer");
        let latin = Response::new("GET /x", 200, vec![0xE9]);
        assert_eq!(latin.json::<serde_json::Value>().unwrap_err().code, "malformed-answer");
    }

    #[test]
    fn an_error_status_becomes_a_fault_only_when_asked() {
        let answer = Response::new("GET /x", 503, b"<html>starting</html>".to_vec());
        assert_eq!(answer.status(), 503);
        let fault = answer.success().unwrap_err();
        assert_eq!(fault.code, "http-503");
        assert!(fault.message.contains("starting"), "{}", fault.message);
    }
}
