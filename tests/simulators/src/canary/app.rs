//! One call from its path to its answer: route, parameters, faults, licence, token, handler.

mod call;
mod identity;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;

use super::answer::{Code, Refused, of_status};
use super::config::Config;
use super::continuation::Continuations;
use super::control;
use super::fault::{Book, Effect, Incident, Shape};
use super::leases::Leases;
use super::params::Params;
use super::routes::{self, Live, Route};
use super::stats::Stats;
use super::truth::Truth;
use super::zone::{UTC, Zone};
use crate::shared::answer::{Head, Refusal};
use crate::shared::limiter::Limiter;
use crate::shared::server::{Application, Peer, Settings};
use crate::shared::stats::Counter;
use crate::shared::wildcard;

/// Everything a running server consists of, the sockets excepted.
#[derive(Debug)]
pub(crate) struct App {
    /// As configured.
    pub(crate) config: Config,
    /// The data.
    pub(crate) truth: Truth,
    /// Armed faults.
    pub(crate) faults: Book<Effect>,
    /// Figures.
    pub(crate) counter: Counter,
    /// User tokens with their zones.
    pub(crate) users: Leases<Zone>,
    /// Live data tokens with what they follow.
    pub(crate) live: Leases<Live>,
    /// What pages have promised.
    pub(crate) continuations: Continuations,
    places: Mutex<BTreeMap<String, u64>>,
    limiter: Limiter,
    settings: Settings,
}

/// One call as its handler sees it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The server.
    pub(crate) app: &'a App,
    /// Version 1 of the API.
    pub(crate) v1: bool,
    /// It came over TLS.
    pub(crate) secure: bool,
    /// Its parameters.
    pub(crate) params: Params,
    /// Zone of its answer and of times without offset.
    pub(crate) zone: Zone,
    /// What a continuation of it is bound to.
    pub(crate) binding: u64,
    /// What faults do to its lists.
    pub(crate) shape: Shape,
}

/// Which call came in, and from where.
#[derive(Clone, Copy)]
struct Asked<'a> {
    route: Route,
    peer: &'a Peer,
    parts: &'a Parts,
}

impl App {
    /// A server with these data and no faults.
    pub(crate) fn new(config: Config) -> App {
        App {
            truth: Truth::new(&config),
            faults: Book::new(config.seed),
            counter: Counter::new(),
            users: Leases::new(config.token_idle, config.seed),
            live: Leases::new(config.token_idle, !config.seed),
            continuations: Continuations::default(),
            places: Mutex::default(),
            limiter: Limiter::default(),
            settings: Settings {
                address: config.address,
                port: config.port,
                tls: config.tls,
                threads: config.threads,
                latency: config.latency,
                gzip: config.gzip,
                chunked: config.knobs.chunked,
                max_body: config.max_body,
            },
            config,
        }
    }

    /// The figures.
    pub(crate) fn stats(&self) -> Stats {
        Stats {
            wire: self.counter.read(),
            user_tokens: self.users.figures(),
            live_tokens: self.live.figures(),
            token_places: self.places.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Sets the figures back to zero, those of tokens excepted.
    pub(crate) fn reset_stats(&self) {
        self.counter.reset();
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Lets time pass for what expires unused.
    pub(crate) fn let_pass(&self, time: Duration) {
        self.users.pass(time);
        self.live.pass(time);
    }

    /// Forgets tokens and continuations, as a restart of the service does.
    pub(crate) fn forget(&self) {
        self.users.expire();
        self.live.expire();
        self.continuations.forget();
    }

    /// The zone of a call without a user token: as asked for, else the server's own, or UTC on version 1.
    pub(crate) fn zone(&self, v1: bool, asked: Option<&str>) -> Result<Zone, Refused> {
        match asked {
            Some(id) => Zone::named(id).ok_or_else(|| Refused::errors(format!("the time zone '{id}' was not found"))),
            None if v1 => Ok(UTC),
            None => Ok(Zone::named(&self.config.knobs.local_zone).unwrap_or(UTC)),
        }
    }

    /// Appends the answer of a call that no fault has replaced; its head.
    fn serve(&self, asked: Asked<'_>, params: Params, shape: Shape, out: &mut Vec<u8>) -> Result<Head, Refused> {
        let Asked { route, peer, parts } = asked;
        for effect in &shape.first {
            self.strike(effect, params.has("continuation"))?;
        }
        if !self.config.licensed {
            return Err(Refused::code(Code::BadLicense));
        }
        let user = if route.open { None } else { self.identify(route.v1, peer.secure, &parts.headers, &params)? };
        let zone = match user {
            Some(zone) => zone,
            None => self.zone(route.v1, params.text("timezone")?)?,
        };
        let binding = params.binding(&route.label());
        let no_payload = shape.no_payload;
        let call = Call { app: self, v1: route.v1, secure: peer.secure, params, zone, binding, shape };
        let start = out.len();
        out.extend_from_slice(if route.enveloped { b"{\"statusCode\":\"Good\",\"errors\":[]" } else { b"{" });
        let payload = out.len();
        (route.handler)(&call, out)?;
        if no_payload {
            out.truncate(payload);
        }
        if !route.enveloped && out.len() > payload {
            // Every member begins with a comma, and here is none before the first.
            out.remove(start + 1);
        }
        out.push(b'}');
        Ok(Head::json(200))
    }

    /// What a fault does before the call is looked at.
    fn strike(&self, effect: &Effect, continued: bool) -> Result<(), Refused> {
        match effect {
            Effect::Errors => return Err(Refused::errors("simulated failure")),
            Effect::BadUserToken => return Err(Refused::code(Code::BadUserToken)),
            Effect::BadLiveDataToken => return Err(Refused::code(Code::BadLiveDataToken)),
            Effect::BadLicense => return Err(Refused::code(Code::BadLicense)),
            Effect::RejectContinuation if continued => {
                return Err(Refused::errors("the continuation is invalid or does not belong to this request"));
            }
            Effect::ExpireTokens => self.users.expire(),
            Effect::ExpireLiveTokens => self.live.expire(),
            Effect::BumpSequence => self.truth.bump_all(),
            _ => {}
        }
        Ok(())
    }
}

impl Application for App {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn counter(&self) -> &Counter {
        &self.counter
    }

    fn admit(&self, peer: &Peer, parts: &Parts, _: &[u8]) -> Result<(), Refusal> {
        if control::is_for(self, parts.uri.path()) {
            return Ok(());
        }
        match self.config.rate_limit {
            Some(limit) if !self.limiter.admit(peer.ip, limit) => Err(of_status(429, self.config.knobs.retry_after)),
            _ => Ok(()),
        }
    }

    fn answer(&self, peer: &Peer, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head {
        let path = parts.uri.path();
        if control::is_for(self, path) {
            return control::serve(self, parts, body, out);
        }
        if path.trim_end_matches('/').eq_ignore_ascii_case("/help") {
            self.counter.routed(false, "help");
            return routes::help(out);
        }
        let Some(route) = Route::find(path, &self.config) else {
            self.counter.routed(false, "unknown");
            return of_status(404, None).write(out);
        };
        let label = route.label();
        self.counter.routed(false, &label);
        if let Err(refusal) = route.method(&parts.method) {
            return refusal.write(out);
        }
        let start = out.len();
        let singular = self.config.knobs.error_singular;
        let params = match Params::read(parts.uri.query().unwrap_or_default(), body) {
            Ok(params) => params,
            Err(refused) => return refused.write(singular, out),
        };
        let about = |pattern: &str| {
            let named = params.named();
            named.iter().any(|name| *name == pattern || wildcard::matches(pattern, name))
        };
        let plan = self.faults.plan(Incident { sub: false, route: &label, body }, about);
        let retry_after = self.config.knobs.retry_after;
        let mut head = match plan.status {
            Some(status) => of_status(status, retry_after).write(out),
            None => {
                let asked = Asked { route, peer, parts };
                self.serve(asked, params, plan.shape.clone(), out).unwrap_or_else(|refused| {
                    out.truncate(start);
                    refused.write(singular, out)
                })
            }
        };
        plan.apply(false, out, start, &mut head);
        head
    }
}
