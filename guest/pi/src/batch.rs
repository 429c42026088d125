//! Many requests in one `POST /batch`, in whichever of two dialects the server speaks.
//!
//! The real API takes a dictionary of requests with absolute URLs and answers 207 with a dictionary under the same
//! keys. Some gateways take `{"Requests": […]}` with relative resources and answer `{"Responses": […]}` in order.
//! Which one it is shows in the first answer; it is never guessed twice, and an answer that fits neither is an error:
//! taken for "no rows" it would lose data silently.

mod dialect;
mod judge;
mod reply;

pub(crate) use dialect::Dialect;
pub(crate) use judge::{Refusal, judge};
pub(crate) use reply::{Reply, raw_contents, replies};

use tidegate_sdk::{
    Fault,
    host::{self, Level},
    http::{Response, json_fault},
    quote,
};

use crate::server::Server;

/// One request inside a batch, without a body.
#[derive(Clone, Debug)]
pub(crate) struct Sub {
    /// `GET`, or `POST` to sign up for updates.
    pub(crate) method: &'static str,
    /// Below the address of the Web API, segments encoded: `/streams/F1DP…/recorded`.
    pub(crate) path: String,
    /// Values as they are.
    pub(crate) query: Vec<(&'static str, String)>,
}

/// The batch endpoint of one server, and what is known of its dialect.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    server: Server,
    dialect: Dialect,
    settled: bool,
}

impl Batch {
    /// Starts with the dictionary, unless an earlier call found out the dialect.
    pub(crate) fn new(server: &Server, known: Option<Dialect>) -> Self {
        Self { server: server.clone(), dialect: known.unwrap_or(Dialect::Dictionary), settled: known.is_some() }
    }

    /// The dialect in use.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends the batch; the answer is in the dialect that [`Batch::dialect`] names afterwards.
    pub(crate) async fn ask(&mut self, subs: &[Sub]) -> Result<Response, Fault> {
        let answer = self.post(subs).await?;
        if self.settled {
            return answer.success();
        }
        self.settled = true;
        if self.dialect == Dialect::Dictionary && dialect::wants_list(&answer) {
            self.dialect = Dialect::List;
            host::log(Level::Warn, "POST /batch: this server speaks the dialect {\"Requests\": […]}; using it");
            return self.post(subs).await?.success();
        }
        answer.success()
    }

    /// Reads an answer of [`Batch::ask`] with one place for each request.
    pub(crate) fn read<'a, C: serde::Deserialize<'a>>(
        &self,
        answer: &'a Response,
        count: usize,
    ) -> Result<Vec<Option<Reply<C>>>, Fault> {
        replies(self.dialect, answer.text()?, count)
    }

    /// The same; if one of the answers is of an unreadable shape, each is read on its own, so that it fails alone. `what`
    /// names the requests in messages.
    pub(crate) fn read_each<'a, C: serde::Deserialize<'a>>(
        &self,
        answer: &'a Response,
        count: usize,
        what: &str,
    ) -> Result<Vec<Result<Option<Reply<C>>, Fault>>, Fault> {
        let fault = match self.read(answer, count) {
            Ok(replies) => return Ok(replies.into_iter().map(Ok).collect()),
            Err(fault) if fault.code != "malformed-answer" => return Err(fault),
            Err(fault) => fault,
        };
        let Ok(raw) = raw_contents(self.dialect, answer.text()?, count) else {
            return Err(fault);
        };
        let parse = |reply: Option<Reply<&'a serde_json::value::RawValue>>| match reply {
            None => Ok(None),
            Some(Reply { status, content: None }) => Ok(Some(Reply { status, content: None })),
            Some(Reply { status, content: Some(content) }) => match serde_json::from_str(content.get()) {
                Ok(content) => Ok(Some(Reply { status, content: Some(content) })),
                Err(error) => Err(json_fault(&format!("{what} inside POST /batch"), &error)),
            },
        };
        Ok(raw.into_iter().map(parse).collect())
    }

    async fn post(&self, subs: &[Sub]) -> Result<Response, Fault> {
        self.server.post("/batch", self.dialect.body(self.server.base(), subs)).await
    }
}

/// The fault for an answer that is in neither dialect.
fn dialect_fault(answer: &str, problem: &str) -> Fault {
    Fault::external(
        "batch-dialect",
        format!(
            "POST /batch: {problem}; expected an object with the keys of the requests, or {{\"Responses\": […]}}, \
             and got: {}; check that `source.url` is a PI Web API",
            quote(&answer.chars().take(400).collect::<String>())
        ),
    )
}
