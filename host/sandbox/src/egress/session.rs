//! The session with a source that gives out tokens: opened with the first request that needs it, renewed when the source
//! says that its token is not valid any more, ended when the work is done. One login at a time for the whole host;
//! whoever comes meanwhile waits for it. The answers to these calls never reach a guest.

mod reply;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tidegate_model::{Domain, Fault, Retry};

use super::Egress;
use super::credentials::{Credentials, Login};
use super::exchange::{Ask, Caller};
use super::failure::Failure;
use crate::describe::{Capability, Session};

/// How long the end of a session may take, its turn in the budget included. The source forgets it anyway some time.
const PARTING: Duration = Duration::from_secs(5);
/// How many tokens in a row may be of no use: to go on would be a login a request, and each may hold a licence.
const FRUITLESS: u32 = 3;
/// A token that is refused sooner was of no use, although it may have been accepted once: tokens idle for minutes
/// before they expire, but of several servers behind one address each knows only those that it gave out itself.
const LASTING: Duration = Duration::from_secs(30);
/// The code of a login that the source has refused.
const REFUSED: &str = "login-refused";

/// A token, and which login it came from.
#[derive(Clone)]
pub(super) struct Issued {
    pub(super) token: Arc<str>,
    /// Which login it came from, counted from 1; 0 for one that the operator was given.
    pub(super) login: u64,
}

/// Where the session stands.
pub(super) struct Standing {
    /// Held by whoever logs in or out.
    turn: tokio::sync::Mutex<()>,
    facts: Mutex<Facts>,
    /// The shortest life of a token that was of use.
    pub(super) lasting: Duration,
}

impl Default for Standing {
    fn default() -> Self {
        Self { turn: tokio::sync::Mutex::default(), facts: Mutex::default(), lasting: LASTING }
    }
}

#[derive(Default)]
struct Facts {
    current: Option<Issued>,
    /// When it was given out.
    since: Option<Instant>,
    /// Logins so far, failed ones included.
    logins: u64,
    /// The last of them whose token was accepted.
    proven: u64,
    /// Logins in a row whose token was never accepted, or refused soon after.
    fruitless: u32,
    /// Why the last one failed.
    failed: Option<Fault>,
    /// No login any more.
    closed: bool,
}

impl Facts {
    /// The token to go on with, or why there is none; nothing where a login is due. `stale` is the login whose token
    /// has turned out not to be valid, `seen` how many there had been when this was first asked, `lasting` the shortest
    /// life of a token that was of use.
    fn decide(&mut self, stale: u64, seen: u64, lasting: Duration) -> Result<Option<Issued>, Fault> {
        if self.closed {
            return Err(Fault::internal(
                "session-ended",
                "the session with the server has ended: nothing more is asked",
            ));
        }
        if self.current.as_ref().is_some_and(|current| current.login == stale) {
            self.current = None;
            let lasted = self.since.is_some_and(|since| since.elapsed() >= lasting);
            self.fruitless = if self.proven == stale && lasted { 0 } else { self.fruitless + 1 };
            if self.fruitless >= FRUITLESS {
                self.failed = Some(fruitless(lasting));
            }
        }
        if self.current.is_some() {
            return Ok(self.current.clone());
        }
        // To log in again after a refusal locks accounts; after any other failure only those try again who come later.
        match &self.failed {
            Some(fault) if fault.code == REFUSED || self.logins > seen => Err(fault.clone()),
            _ => Ok(None),
        }
    }
}

impl Standing {
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token to go on with; nothing where a login is due.
    fn decide(&self, stale: u64, seen: u64) -> Result<Option<Issued>, Failure> {
        self.facts().decide(stale, seen, self.lasting).map_err(Failure::host)
    }
}

impl Egress {
    /// The token that goes into the body of `ask`; `stale` is the login whose token the source has not accepted, 0 at first.
    pub(super) async fn token(self: &Arc<Self>, ask: &Ask, stale: u64) -> Result<Option<Issued>, Failure> {
        if ask.slot.is_none() {
            return Ok(None);
        }
        match &self.config.credentials {
            Credentials::Anonymous | Credentials::Header(_) => Ok(None),
            Credentials::Member { token, .. } => Ok(Some(Issued { token: Arc::clone(token), login: 0 })),
            Credentials::Session { calls, login } => {
                let seen = self.session.facts().logins;
                if let Some(issued) = self.session.decide(stale, seen)? {
                    return Ok(Some(issued));
                }
                // A task of its own: a login that is under way must not be lost with the request that began it, or the
                // token would never be revoked.
                let login = Arc::clone(self).renewed(calls.clone(), login.clone(), stale, seen);
                let ended = tokio::spawn(login).await;
                ended.unwrap_or_else(|_| Err(Failure::host(internal("the login was interrupted")))).map(Some)
            }
        }
    }

    /// Whether a token is still the one to send.
    pub(super) fn is_current(&self, issued: Option<&Issued>) -> bool {
        let Some(issued) = issued.filter(|issued| issued.login > 0) else { return true };
        let facts = self.session.facts();
        facts.current.as_ref().is_some_and(|current| current.login == issued.login)
    }

    /// The source has answered to a token as to a valid one.
    pub(super) fn accepted(&self, issued: &Issued) {
        let mut facts = self.session.facts();
        facts.proven = facts.proven.max(issued.login);
    }

    /// Logs in, unless somebody else has done it meanwhile.
    fn renewed(
        self: Arc<Self>,
        calls: Session,
        login: Option<Login>,
        stale: u64,
        seen: u64,
    ) -> BoxFuture<'static, Result<Issued, Failure>> {
        Box::pin(async move {
            let _turn = self.session.turn.lock().await;
            if let Some(issued) = self.session.decide(stale, seen)? {
                return Ok(issued);
            }
            let opened = self.open(&calls, login.as_ref()).await;
            let mut facts = self.session.facts();
            facts.logins += 1;
            match opened {
                Ok(token) => {
                    let issued = Issued { token, login: facts.logins };
                    (facts.current, facts.since, facts.failed) = (Some(issued.clone()), Some(Instant::now()), None);
                    tracing::debug!(login = facts.logins, "session opened");
                    Ok(issued)
                }
                Err(failure) => {
                    facts.failed = Some(failure.note.fault.clone());
                    Err(failure)
                }
            }
        })
    }

    /// One login: its token.
    async fn open(self: &Arc<Self>, calls: &Session, login: Option<&Login>) -> Result<Arc<str>, Failure> {
        let mut body = calls.login_body.clone();
        if let Some(login) = login {
            body.insert(calls.username_member.clone(), Value::from(login.username.as_str()));
            body.insert(calls.password_member.clone(), Value::from(&*login.password));
        }
        let (status, answer) = self.call(&calls.login, body).await?;
        let token = reply::token_in(calls, login, status, &answer).map_err(Failure::host)?;
        (self.config.secrets)(&token);
        Ok(token)
    }

    /// Ends the session, if there is one: nothing more can be asked then. Best effort, for the source forgets it anyway.
    pub async fn close(self: &Arc<Self>) {
        let Credentials::Session { calls, .. } = &self.config.credentials else { return };
        self.session.facts().closed = true;
        let parted = tokio::time::timeout(PARTING, async {
            // A login that is under way is waited for: its token is to be revoked too.
            let _turn = self.session.turn.lock().await;
            let issued = self.session.facts().current.take();
            match (issued, &calls.logout) {
                (Some(issued), Some(logout)) => self.revoke(calls, logout, &issued).await,
                _ => Ok(()),
            }
        });
        match parted.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::warn!("the session could not be ended, and stays open until it is idle: {why}"),
            Err(_) => tracing::warn!("the session could not be ended in time, and stays open until it is idle"),
        }
    }

    async fn revoke(self: &Arc<Self>, calls: &Session, logout: &Capability, issued: &Issued) -> Result<(), String> {
        let body = Map::from_iter([(calls.token_member.clone(), Value::from(&*issued.token))]);
        let (status, _) = self.call(logout, body).await.map_err(|failure| failure.note.to_string())?;
        if status.is_success() {
            tracing::debug!("session ended");
            return Ok(());
        }
        Err(format!("POST /{}: the server answers {status}", logout.path))
    }

    /// One of the host's own calls: the whole answer.
    async fn call(
        self: &Arc<Self>,
        call: &Capability,
        body: Map<String, Value>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let json = HeaderValue::from_static("application/json");
        let ask = Ask {
            method: Method::POST,
            url: self.policy.own(call),
            headers: HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]),
            body: Bytes::from(Value::Object(body).to_string()),
            slot: None,
        };
        let caller = Caller::host();
        // Attempts are used up here: the request that waits for this call must not repeat them all.
        let answer = self.answer(&ask, 0, &caller).await.map_err(|failure| Failure { again: false, ..failure })?;
        let status = answer.status();
        match self.receive(&ask, answer, &caller).collect().await {
            Ok(whole) => Ok((status, whole.to_bytes())),
            Err(error) => {
                let note = caller.trail.all().pop();
                let unknown = || Failure::host(internal("the answer to the host's own call broke off"));
                Err(note.map_or_else(unknown, |note| Failure { note: Box::new(note), error, again: false }))
            }
        }
    }
}

/// A source that gives out tokens and does not stand by them.
fn fruitless(lasting: Duration) -> Fault {
    let message = format!(
        "the server gives out tokens but does not go on to accept them: {FRUITLESS} in a row were not valid at their \
         first use or within {} s; may the user of auth.username read, and do all requests reach the server that gave \
         out the token?",
        lasting.as_secs()
    );
    Fault { domain: Domain::User, retry: Retry::Never, code: REFUSED.to_owned(), message }
}

fn internal(text: &str) -> Fault {
    Fault::internal("login", text)
}
