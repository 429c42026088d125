//! An answer on its way to whoever asked: what of it may be seen, and whether it says that the token was not valid.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use super::audit::Entry;
use super::body::{Received, Watch};
use super::budget::Permit;
use super::credentials::Credentials;
use super::exchange::{Ask, Caller};
use super::held::{self, Held};
use super::mask::{self, Mask};
use super::masked::Masked;
use super::session::Issued;
use super::{Egress, headers};

/// So many bytes of a secret do not occur in data by chance.
const SHORTEST_IN_DATA: usize = 8;

/// An answer with its place in the budget.
pub(super) struct Answer {
    pub(super) response: Response<reqwest::Body>,
    pub(super) permit: Permit,
    pub(super) started: Instant,
    /// How long it took to begin.
    pub(super) after: Duration,
    /// The token in the body of the request.
    pub(super) issued: Option<Issued>,
    /// What the header of the request proved who asks with.
    pub(super) proof: Option<Arc<str>>,
    pub(super) entry: Option<Entry>,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }
}

/// What a guest may see, and what it says about the token.
pub(super) struct Checked {
    pub(super) answer: Response<WasiBody>,
    /// Whether the token of the request is not valid any more.
    pub(super) expired: bool,
}

impl Egress {
    /// The answer as it comes, without the credentials that a header carried.
    pub(super) fn hand_over(&self, ask: &Ask, mut answer: Answer, caller: &Caller) -> Response<WasiBody> {
        let (status, mut headers) = (answer.status(), headers::incoming(answer.response.headers()));
        let mut secrets: Vec<_> = answer.proof.take().into_iter().collect();
        // A password may be an ordinary word: in data it would be masked where it is none.
        if !status.is_success() {
            secrets.extend(self.config.credentials.password());
        }
        let mut body = self.receive(ask, answer, caller).boxed_unsync();
        for secret in secrets {
            hide(&mut headers, &secret);
            let mask = if status.is_success() {
                Mask::quick(sought(status, &secret))
            } else {
                headers.remove(CONTENT_LENGTH);
                Mask::new(secret)
            };
            body = Masked::new(body, mask).boxed_unsync();
        }
        respond(status, headers, body)
    }

    /// The answer to a request that carried a token: none shows the token, and a small one is looked at
    /// first.
    pub(super) async fn hand_over_checked(
        &self,
        ask: &Ask,
        answer: Answer,
        issued: &Issued,
        caller: &Caller,
    ) -> Checked {
        let (status, mut headers) = (answer.status(), headers::incoming(answer.response.headers()));
        hide(&mut headers, &issued.token);
        let secret = sought(status, &issued.token);
        match held::hold(&headers, self.receive(ask, answer, caller)).await {
            Held::Part(replay) => {
                self.accepted(issued);
                // What is masked on the way changes the length.
                headers.remove(CONTENT_LENGTH);
                let body = Masked::new(replay, Mask::new(secret));
                Checked { answer: respond(status, headers, body.boxed_unsync()), expired: false }
            }
            Held::Whole(body) => {
                let expired = match &self.config.credentials {
                    Credentials::Session { calls, .. } => calls.expired(&body),
                    _ => false,
                };
                if !expired {
                    self.accepted(issued);
                }
                let clean = mask::masked(body.clone(), &secret);
                if clean != body {
                    headers.remove(CONTENT_LENGTH);
                }
                let body = Full::new(clean).map_err(WasiError::from).boxed_unsync();
                Checked { answer: respond(status, headers, body), expired }
            }
        }
    }

    /// The body of an answer on its way.
    pub(super) fn receive(&self, ask: &Ask, answer: Answer, caller: &Caller) -> Received {
        let watch = Watch {
            what: ask.what(),
            _permit: answer.permit,
            trail: Arc::clone(&caller.trail),
            busy: caller.busy.clone(),
            counters: Arc::clone(&self.counters),
            silence: shorter(caller.options.between_bytes_timeout, self.config.response_timeout),
            limit: caller.response_bytes,
            started: answer.started,
            entry: answer.entry,
        };
        Received::new(answer.response.into_body(), watch)
    }
}

/// What is looked for in a body: the secret, but in data none that may be an ordinary word there: rows would change.
fn sought(status: StatusCode, secret: &Arc<str>) -> Arc<str> {
    if status.is_success() && secret.len() < SHORTEST_IN_DATA { "".into() } else { Arc::clone(secret) }
}

/// Takes away what echoes `secret`.
fn hide(headers: &mut HeaderMap, secret: &str) {
    let echoing: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| mask::holds(value.as_bytes(), secret))
        .map(|(name, _)| name.clone())
        .collect();
    echoing.iter().for_each(|name| drop(headers.remove(name)));
}

fn respond(status: StatusCode, headers: HeaderMap, body: WasiBody) -> Response<WasiBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A guest may be less patient than the operator, never more.
pub(super) fn shorter(guest: Option<Duration>, operator: Duration) -> Duration {
    guest.map_or(operator, |guest| guest.min(operator))
}
