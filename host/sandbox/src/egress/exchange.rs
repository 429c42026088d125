//! One request of a guest from the policy to the answer: attempts, redirects, and what is remembered of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap, LOCATION};
use http::{Method, Request, Response, StatusCode};
use url::Url;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::answer::{Answer, shorter};
use super::concurrency::Ended;
use super::failure::Failure;
use super::member::{self, Slot};
use super::session::Issued;
use super::{Egress, Trail, audit, body, credentials, headers, held, retry};
use crate::describe::printable;
use crate::limits::Busy;

/// A server that wants more than this is asked all the same, to see whether it means it.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Redirects that are followed for one request.
const REDIRECTS: usize = 5;

/// The call on whose behalf a request is made.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) trail: Arc<Trail>,
    pub(super) busy: Busy,
    pub(super) options: RequestOptions,
    pub(super) request_bytes: u64,
    pub(super) response_bytes: u64,
}

impl Caller {
    /// The host itself, which expects small answers.
    pub(super) fn host() -> Self {
        Self {
            trail: Arc::default(),
            busy: Busy::default(),
            options: RequestOptions::default(),
            request_bytes: held::SMALL as u64,
            response_bytes: held::SMALL as u64,
        }
    }
}

/// A request that may be sent.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Where its body takes a token.
    pub(super) slot: Option<Slot>,
}

impl Ask {
    /// The request in words: never with its query.
    pub(super) fn what(&self) -> String {
        format!("{} {}", self.method, printable(self.url.path()))
    }

    /// What kind of request it is: those of one kind take about as long as each other.
    fn kind(&self) -> String {
        let last = self.url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        format!("{} {last}", self.method)
    }
}

impl Egress {
    /// Sends a guest's request and returns what the guest may see of the answer.
    pub(super) async fn send(
        self: &Arc<Self>,
        request: Request<WasiBody>,
        caller: Caller,
    ) -> Result<Response<WasiBody>, Failure> {
        let sent = self.exchange(request, &caller).await;
        if let Err(failure) = &sent {
            tracing::debug!(cause = %failure.note, "request failed");
            caller.trail.failed(&failure.note);
        }
        caller.busy.progress();
        sent
    }

    async fn exchange(
        self: &Arc<Self>,
        request: Request<WasiBody>,
        caller: &Caller,
    ) -> Result<Response<WasiBody>, Failure> {
        let mut ask = self.admitted(request, caller).await?;
        let (mut redirects, mut stale) = (0, 0);
        loop {
            let answer = self.answer(&ask, stale, caller).await?;
            if let Some(next) = self.redirected(&ask, &answer.response)? {
                redirects += 1;
                if redirects > REDIRECTS {
                    let text = format!("{}: redirected more than {REDIRECTS} times", ask.what());
                    return Err(Failure::refused(text, "check source.url"));
                }
                ask = next;
                continue;
            }
            // Before a small body is held: if that breaks off, the guest is going to talk about it.
            caller.trail.answered();
            let Some(issued) = answer.issued.clone() else { return Ok(self.hand_over(&ask, answer, caller)) };
            let checked = self.hand_over_checked(&ask, answer, &issued, caller).await;
            if !checked.expired || stale != 0 {
                return Ok(checked.answer);
            }
            stale = issued.login;
        }
    }

    /// The request of a guest, if it may be sent.
    async fn admitted(&self, request: Request<WasiBody>, caller: &Caller) -> Result<Ask, Failure> {
        let (parts, body) = request.into_parts();
        let refused = |failure: Failure| {
            self.record_refused(&parts.method, audit::plain(&parts.uri), &failure.note.fault.message);
            failure
        };
        let url = self.policy.admit(&parts.method, &parts.uri).map_err(refused)?;
        let headers = headers::outgoing(&parts.headers);
        let body = body::collect(body, caller.request_bytes, self.config.response_timeout).await.map_err(refused)?;
        let slot = match self.config.credentials.member() {
            None => None,
            Some(member) => Slot::of(&body, member).map_err(|member::Taken| {
                let text = format!("the plugin filled in `{member}`, where the token belongs");
                refused(Failure::refused(text, "credentials belong in the section auth; only the gate sends them"))
            })?,
        };
        Ok(Ask { method: parts.method, url, headers, body, slot })
    }

    /// Sends `ask` until it is answered or its attempts are used up. The last answer counts, whatever it is. `stale` is the
    /// login whose token is not valid any more.
    pub(super) async fn answer(self: &Arc<Self>, ask: &Ask, stale: u64, caller: &Caller) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(ask, stale, caller).await;
            self.learn(ask, &outcome);
            let (passing, told) = match &outcome {
                Ok(answer) => {
                    let status = answer.response.status();
                    let told = retry::retry_after(answer.response.headers(), SystemTime::now());
                    (retry::is_passing(status), told)
                }
                Err(failure) => (failure.again, None),
            };
            let wait = if passing { self.backoff.wait(attempt, told, retry::random()) } else { None };
            // The whole host waits, not this request alone, even if nobody repeats it.
            if let Some(told) = told.filter(|_| passing) {
                self.budget.pause(told.min(LONGEST_PAUSE));
            }
            let Some(wait) = wait else { return outcome };
            let cause = match outcome {
                Ok(answer) => answer.response.status().to_string(),
                Err(failure) => failure.note.fault.message,
            };
            tracing::debug!(
                request = ask.what(),
                attempt,
                cause,
                wait_ms = wait.as_millis(),
                "request will be repeated"
            );
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Tells the budget what an attempt says about how busy the server is.
    fn learn(&self, ask: &Ask, outcome: &Result<Answer, Failure>) {
        match outcome {
            Ok(Answer { response, .. }) if retry::is_overload(response.status()) => {
                self.budget.ended(Ended::Overloaded)
            }
            Ok(Answer { after, .. }) => self.budget.ended(Ended::Answered { kind: &ask.kind(), after: *after }),
            Err(failure) if failure.note.fault.code == "timeout" => self.budget.ended(Ended::Overloaded),
            Err(_) => {}
        }
    }

    async fn attempt(self: &Arc<Self>, ask: &Ask, stale: u64, caller: &Caller) -> Result<Answer, Failure> {
        let (issued, permit) = loop {
            // Before a place in the budget is taken: a login needs one of its own.
            let issued = self.token(ask, stale).await?;
            let Some(permit) = self.budget.enter().await else {
                let text = format!("{}: no request in flight ended in time to send this one", ask.what());
                return Err(Failure::queue(text));
            };
            // The token may have been renewed while the request waited for its turn.
            if self.is_current(issued.as_ref()) {
                break (issued, permit);
            }
        };
        // Behind the login, which may have been what could not be recorded.
        self.recordable().map_err(Failure::host)?;
        // Asked anew for each attempt: a token may have expired while the request waited.
        let authorization = self.config.credentials.header().await.map_err(Failure::host)?;
        let mut headers = ask.headers.clone();
        let proof = authorization.as_ref().and_then(credentials::proof);
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value);
        }
        let body = self.filled(ask, issued.as_ref());
        let mut entry = self.record(&ask.method, &ask.url, body.len());
        let mut request = self.client.request(ask.method.clone(), ask.url.clone()).headers(headers);
        if !body.is_empty() {
            request = request.body(body);
        }
        let started = Instant::now();
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let first_byte = shorter(caller.options.first_byte_timeout, self.config.response_timeout);
        let connect = shorter(caller.options.connect_timeout, self.config.connect_timeout);
        let what = ask.what();
        let sent = match tokio::time::timeout(connect + first_byte, request.send()).await {
            Ok(Ok(response)) => Ok(Response::from(response)),
            Ok(Err(error)) => Err(Failure::transport(&what, self.policy.host(), &error)),
            Err(_) => Err(Failure::timeout(format!("{what}: no answer for {} s", first_byte.as_secs_f64()))),
        };
        if let Some(entry) = &mut entry {
            match &sent {
                Ok(response) => entry.answered(response.status()),
                Err(failure) => entry.failed(&failure.note.fault),
            }
        }
        let response = sent?;
        let (status, after) = (response.status().as_u16(), started.elapsed());
        tracing::debug!(request = what, status, ms = after.as_millis(), "answer begins");
        Ok(Answer { response, permit, started, after, issued, proof, entry })
    }

    /// The body of `ask` with the token in its place.
    fn filled(&self, ask: &Ask, issued: Option<&Issued>) -> Bytes {
        match (ask.slot, issued, self.config.credentials.member()) {
            (Some(slot), Some(issued), Some(member)) => slot.fill(&ask.body, member, &issued.token),
            _ => ask.body.clone(),
        }
    }

    /// The request that a redirect asks for, if the answer is one. It passes the policy like any other.
    fn redirected(&self, ask: &Ask, response: &Response<reqwest::Body>) -> Result<Option<Ask>, Failure> {
        let method = match (response.status(), &ask.method) {
            (StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND, &Method::POST) => Method::GET,
            (StatusCode::SEE_OTHER, method) if *method != Method::HEAD => Method::GET,
            (StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER, method) => method.clone(),
            (StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT, method) => method.clone(),
            _ => return Ok(None),
        };
        let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
        let url = location.to_str().ok().and_then(|location| ask.url.join(location).ok());
        let refuse = |to: &str, why: &str| {
            let text = format!("{}: the server redirects to {}, which is not followed", ask.what(), printable(to));
            Failure::refused(text, why)
        };
        let unsent = |url: &Url, failure: Failure| {
            self.record_refused(&method, audit::target(url), &failure.note.fault.message);
            failure
        };
        let Some(url) = url else { return Err(refuse("something that is no URL", "check source.url")) };
        if url.origin() != ask.url.origin() {
            let failure = refuse(&url.origin().ascii_serialization(), "if that is the historian, set source.url to it");
            return Err(unsent(&url, failure));
        }
        if let Err(failure) = self.policy.admit_url(&method, &url) {
            return Err(unsent(&url, refuse(url.path(), &failure.note.fault.message)));
        }
        let kept = method == ask.method;
        let mut headers = ask.headers.clone();
        if !kept {
            headers.remove(header::CONTENT_TYPE);
        }
        let (body, slot) = if kept { (ask.body.clone(), ask.slot) } else { (Bytes::new(), None) };
        Ok(Some(Ask { method, url, headers, body, slot }))
    }
}
