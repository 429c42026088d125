//! One request of a guest from the policy to the answer: attempts, redirects, and what is remembered of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderMap, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use url::Url;
use wasmtime_wasi_http::{RequestOptions, WasiBody};

use super::body::{self, Received, Watch};
use super::budget::Permit;
use super::concurrency::Ended;
use super::failure::Failure;
use super::{Egress, Trail, headers, retry};
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

/// A request that the policy has admitted.
struct Ask {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Ask {
    /// The request in words: never with its query.
    fn what(&self) -> String {
        format!("{} {}", self.method, printable(self.url.path()))
    }

    /// What kind of request it is: those of one kind take about as long as each other.
    fn kind(&self) -> String {
        let last = self.url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
        format!("{} {last}", self.method)
    }
}

/// An answer with its place in the budget.
struct Answer {
    response: Response<reqwest::Body>,
    permit: Permit,
    started: Instant,
    /// How long it took to begin.
    after: Duration,
}

impl Egress {
    /// Sends a guest's request and returns what the guest may see of the answer.
    pub(super) async fn send(&self, request: Request<WasiBody>, caller: Caller) -> Result<Response<WasiBody>, Failure> {
        let sent = self.exchange(request, &caller).await;
        match &sent {
            Ok(_) => caller.trail.answered(),
            Err(failure) => {
                tracing::debug!(cause = %failure.note, "request failed");
                caller.trail.failed(&failure.note);
            }
        }
        caller.busy.progress();
        sent
    }

    async fn exchange(&self, request: Request<WasiBody>, caller: &Caller) -> Result<Response<WasiBody>, Failure> {
        let (parts, body) = request.into_parts();
        let url = self.policy.admit(&parts.method, &parts.uri)?;
        let headers = headers::outgoing(&parts.headers);
        let body = body::collect(body, caller.request_bytes, self.config.response_timeout).await?;
        let mut ask = Ask { method: parts.method, url, headers, body };
        for _ in 0..=REDIRECTS {
            let answer = self.answer(&ask, caller).await?;
            match self.redirected(&ask, &answer.response)? {
                None => return Ok(self.hand_over(&ask, answer, caller)),
                Some(next) => ask = next,
            }
        }
        Err(Failure::refused(format!("{}: redirected more than {REDIRECTS} times", ask.what()), "check source.url"))
    }

    /// Sends `ask` until it is answered or its attempts are used up. The last answer counts, whatever it is.
    async fn answer(&self, ask: &Ask, caller: &Caller) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let outcome = self.attempt(ask, caller).await;
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

    async fn attempt(&self, ask: &Ask, caller: &Caller) -> Result<Answer, Failure> {
        let Some(permit) = self.budget.enter().await else {
            return Err(Failure::queue(format!("{}: no request in flight ended in time to send this one", ask.what())));
        };
        // Asked anew for each attempt: a token may have expired while the request waited.
        let authorization = self.config.credentials.authorization().await.map_err(Failure::credentials)?;
        let mut headers = ask.headers.clone();
        if let Some(mut value) = authorization {
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let mut request = self.client.request(ask.method.clone(), ask.url.clone()).headers(headers);
        if !ask.body.is_empty() {
            request = request.body(ask.body.clone());
        }
        let started = Instant::now();
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        let first_byte = shorter(caller.options.first_byte_timeout, self.config.response_timeout);
        let connect = shorter(caller.options.connect_timeout, self.config.connect_timeout);
        let what = ask.what();
        let response = match tokio::time::timeout(connect + first_byte, request.send()).await {
            Ok(Ok(response)) => Response::from(response),
            Ok(Err(error)) => return Err(Failure::transport(&what, self.policy.host(), &error)),
            Err(_) => return Err(Failure::timeout(format!("{what}: no answer for {} s", first_byte.as_secs_f64()))),
        };
        let (status, after) = (response.status().as_u16(), started.elapsed());
        tracing::debug!(request = what, status, ms = after.as_millis(), "answer begins");
        Ok(Answer { response, permit, started, after })
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
        let Some(url) = url else { return Err(refuse("something that is no URL", "check source.url")) };
        if url.origin() != ask.url.origin() {
            return Err(refuse(&url.origin().ascii_serialization(), "if that is the historian, set source.url to it"));
        }
        if let Err(failure) = self.policy.admit_url(&method, &url) {
            return Err(refuse(url.path(), &failure.note.fault.message));
        }
        let kept = method == ask.method;
        let mut headers = ask.headers.clone();
        if !kept {
            headers.remove(header::CONTENT_TYPE);
        }
        Ok(Some(Ask { method, url, headers, body: if kept { ask.body.clone() } else { Bytes::new() } }))
    }

    fn hand_over(&self, ask: &Ask, answer: Answer, caller: &Caller) -> Response<WasiBody> {
        let (parts, body) = answer.response.into_parts();
        let watch = Watch {
            what: ask.what(),
            _permit: answer.permit,
            trail: Arc::clone(&caller.trail),
            busy: caller.busy.clone(),
            counters: Arc::clone(&self.counters),
            silence: shorter(caller.options.between_bytes_timeout, self.config.response_timeout),
            limit: caller.response_bytes,
            started: answer.started,
        };
        let mut response = Response::new(Received::new(body, watch).boxed_unsync());
        *response.status_mut() = parts.status;
        *response.headers_mut() = headers::incoming(&parts.headers);
        response
    }
}

/// A guest may be less patient than the operator, never more.
fn shorter(guest: Option<Duration>, operator: Duration) -> Duration {
    guest.map_or(operator, |guest| guest.min(operator))
}
