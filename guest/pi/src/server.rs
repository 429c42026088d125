//! One PI Web API: GETs below its address, and the fault for an answer that says 200 and failed all the same.

use serde::{Deserialize, de::DeserializeOwned};
use tidegate_sdk::{
    Fault,
    http::{Client, Response, push_encoded},
    quote,
};

use crate::{
    api::{WebException, texts},
    settings::Settings,
};

/// The Web API that the configuration names.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    http: Client,
}

impl Server {
    /// Every request carries `X-Requested-With`: a server with CSRF defence refuses a POST without it.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { http: Client::new(&settings.source.url).header("X-Requested-With", "Tidegate") }
    }

    /// The address that absolute URLs inside a batch begin with.
    pub(crate) fn base(&self) -> &str {
        self.http.base()
    }

    /// `GET path?query`, decoded; an answer that carries a failure under status 200 is that failure.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Fault> {
        let answer = self.http.get(&with_query(path, query)).await?.success()?;
        decoded(&format!("GET {path}"), &answer)
    }

    /// `POST path` with JSON; the status is the caller's to judge.
    pub(crate) async fn post(&self, path: &str, json: Vec<u8>) -> Result<Response, Fault> {
        self.http.post_json(path, json).await
    }
}

/// What [`Server::get`] makes of an answer with a status of success; `what` names the request in messages.
pub(crate) fn decoded<T: DeserializeOwned>(what: &str, answer: &Response) -> Result<T, Fault> {
    sound(what, answer)?;
    answer.json()
}

/// Whether an answer under status 200 is one.
fn sound(what: &str, answer: &Response) -> Result<(), Fault> {
    let failure: Failure = answer.json()?;
    if let Some(exception) = failure.web_exception {
        return Err(exception.fault(what));
    }
    let said = texts(&failure.errors);
    if said.is_empty() {
        return Ok(());
    }
    let text = format!("{what}: errors under status 200: {}", quote(&said.join("; ")));
    Err(Fault::external("answer-errors", text))
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, rename = "WebException")]
    web_exception: Option<WebException>,
    #[serde(default, rename = "Errors")]
    errors: serde_json::Value,
}

impl WebException {
    /// A failure while the server wrote its answer: what came before it proves nothing.
    pub(crate) fn fault(&self, what: &str) -> Fault {
        let said = quote(&self.errors.join("; "));
        let status = self.status_code.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"));
        Fault::external("web-exception", format!("{what}: the server broke off its answer: {status}: {said}"))
    }
}

/// `path?key=value&…` with values encoded.
pub(crate) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let mut url = path.to_owned();
    for (index, (key, value)) in query.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(key);
        url.push('=');
        push_encoded(&mut url, value);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_failed_under_status_200_is_none() {
        let table = [
            (r#"{"Items":[]}"#, None),
            (r#"{"Items":[],"Errors":[],"WebException":null}"#, None),
            (r#"{"Items":[],"WebException":{"StatusCode":500,"Errors":["x"]}}"#, Some("web-exception")),
            (r#"{"Items":[{}],"Errors":["back end gone"]}"#, Some("answer-errors")),
            (r#"{"Items":[{}"#, Some("truncated-body")),
        ];
        for (text, code) in table {
            let answer = Response::new("GET /x", 200, text.as_bytes().to_vec());
            assert_eq!(sound("GET /x", &answer).err().map(|fault| fault.code).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn a_query_survives_every_character_of_a_tag_name() {
        assert_eq!(
            with_query("/points", &[("path", r"\\S\a&b=c#d"), ("x", "1")]),
            "/points?path=%5C%5CS%5Ca%26b%3Dc%23d&x=1"
        );
    }
}
