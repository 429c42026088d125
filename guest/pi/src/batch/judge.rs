//! Whether one answer inside a batch may pass for an answer.

use tidegate_sdk::{Fault, quote};

use super::Reply;
use crate::api::Content;

/// Why an answer does not count.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The status inside the batch, where there is one.
    pub(crate) status: Option<u16>,
    /// What the server said.
    pub(crate) said: String,
    /// The same as a fault.
    pub(crate) fault: Fault,
}

/// The payload of a sound answer. `what` names the request in messages.
///
/// Everything that is not plainly a success is a refusal: a missing answer, a status other than 200, and under 200 a
/// `WebException`, `Errors`, a string, or nothing at all.
pub(crate) fn judge<T>(what: &str, reply: Option<Reply<Content<T>>>) -> Result<T, Refusal> {
    let Some(reply) = reply else {
        let message = format!("{what}: the answer to the batch leaves this request out");
        return Err(refusal(None, "", Fault::external("batch-missing", message)));
    };
    let content = reply.content.unwrap_or(Content { body: None, exception: None, said: Vec::new(), bare: false });
    let said = content.said.join("; ");
    match reply.status {
        Some(200) => {}
        Some(status) => return Err(refusal(Some(status), &said, Fault::status(status, what, &said))),
        None => {
            let message = format!("{what}: the answer inside the batch has no status");
            return Err(refusal(None, &said, Fault::external("batch-status", message)));
        }
    }
    if let Some(exception) = content.exception {
        return Err(refusal(Some(200), &said, exception.fault(what)));
    }
    let fault = match content.body {
        _ if content.bare => ("not-json", format!("{what}: text instead of JSON: {}", quote(&said))),
        _ if !said.is_empty() => ("answer-errors", format!("{what}: errors under status 200: {}", quote(&said))),
        None => ("empty-content", format!("{what}: no content under status 200")),
        Some(body) => return Ok(body),
    };
    Err(refusal(Some(200), &said, Fault::external(fault.0, fault.1)))
}

fn refusal(status: Option<u16>, said: &str, fault: Fault) -> Refusal {
    Refusal { status, said: said.to_owned(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Fields;

    fn code(reply: &str) -> Result<(), String> {
        let reply: Reply<Content<Fields>> = serde_json::from_str(reply).unwrap();
        judge("GET /x", Some(reply)).map(|_| ()).map_err(|refusal| refusal.fault.code)
    }

    #[test]
    fn no_failure_passes_for_an_answer() {
        let table = [
            (r#"{"Status":200,"Content":{"Name":"x"}}"#, Ok(())),
            (r#"{"Status":200,"Content":{"Errors":[],"Message":null}}"#, Ok(())),
            (r#"{"Status":403,"Content":{"Errors":["no"]}}"#, Err("http-403")),
            (r#"{"Status":404,"Content":{"Message":"no"}}"#, Err("http-404")),
            (r#"{"Status":503,"Content":"<html>busy</html>"}"#, Err("http-503")),
            (r#"{"Status":502,"Content":null}"#, Err("http-502")),
            (r#"{"Status":502}"#, Err("http-502")),
            (r#"{"Status":206,"Content":{"Name":"x"}}"#, Err("http-206")),
            (r#"{"Content":{"Name":"x"}}"#, Err("batch-status")),
            (r#"{"Status":200,"Content":{"WebException":{"StatusCode":500,"Errors":["x"]}}}"#, Err("web-exception")),
            (r#"{"Status":200,"Content":{"WebException":"x","Name":"y"}}"#, Err("web-exception")),
            (r#"{"Status":200,"Content":{"Errors":["x"]}}"#, Err("answer-errors")),
            (r#"{"Status":200,"Content":"<html>"}"#, Err("not-json")),
            (r#"{"Status":200,"Content":null}"#, Err("empty-content")),
            (r#"{"Status":200,"Content":7}"#, Err("empty-content")),
            (r#"{"Status":200,"Content":["x"]}"#, Err("answer-errors")),
        ];
        for (reply, expected) in table {
            assert_eq!(code(reply), expected.map_err(str::to_owned), "{reply}");
        }
        assert_eq!(judge::<Fields>("GET /x", None).unwrap_err().fault.code, "batch-missing");
    }

    #[test]
    fn the_servers_words_reach_the_message() {
        let text = r#"{"Status":403,"Content":{"Errors":["Access denied for plant\\reader"]}}"#;
        let reply: Reply<Content<Fields>> = serde_json::from_str(text).unwrap();
        let fault = judge("GET /points", Some(reply)).unwrap_err().fault;
        assert!(fault.message.contains("Access denied"), "{}", fault.message);
    }
}
