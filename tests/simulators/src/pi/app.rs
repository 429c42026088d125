//! One call from its path to its answer: route, faults, handler. Whole requests and sub-requests of a batch go the same
//! way, so a batch cannot be kinder than the wire.

use std::cell::LazyCell;
use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, header};

use super::answer::{Head, Refusal};
use super::config::{Config, Hidden};
use super::fault::{Book, Effect, Incident, Shape};
use super::query::{Query, percent_decode};
use super::routes::{self, Route};
use super::stats::Counter;
use super::tag::Tag;
use super::truth::Truth;
use super::webid::{self, Class, Local, Unknown};
use super::{auth, control};
use crate::shared::limiter::Limiter;
use crate::shared::server::{Application, Peer, Settings};

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
    /// Rate limit per client.
    pub(crate) limiter: Limiter,
    settings: Settings,
}

/// One call as its handler sees it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The server.
    pub(crate) app: &'a App,
    /// A sub-request of a batch.
    pub(crate) sub: bool,
    /// Who asks.
    pub(crate) client: IpAddr,
    /// `http://host/piwebapi`, for links.
    pub(crate) base: &'a str,
    /// HTTP method.
    pub(crate) method: &'a str,
    /// Decoded path segments below `/piwebapi`.
    pub(crate) segments: Vec<String>,
    /// Decoded parameters.
    pub(crate) query: Query,
    /// Request body.
    pub(crate) body: &'a [u8],
    /// What faults do to lists of events.
    pub(crate) shape: Shape,
}

/// A call as it comes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    /// A sub-request of a batch.
    pub(crate) sub: bool,
    /// Who asks.
    pub(crate) client: IpAddr,
    /// `http://host/piwebapi`.
    pub(crate) base: &'a str,
    /// HTTP method.
    pub(crate) method: &'a str,
    /// Raw path, `/piwebapi` included.
    pub(crate) path: &'a str,
    /// Raw query string.
    pub(crate) query: &'a str,
    /// Request body.
    pub(crate) body: &'a [u8],
}

impl App {
    /// A server with these data and no faults.
    pub(crate) fn new(config: Config) -> App {
        App {
            truth: Truth::new(&config),
            faults: Book::new(config.seed),
            counter: Counter::new(),
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

    /// Appends the body of the answer; its head.
    pub(crate) fn call(&self, incoming: Incoming<'_>, out: &mut Vec<u8>) -> Head {
        let start = out.len();
        let refuse = |out: &mut Vec<u8>, refusal: Refusal| {
            out.truncate(start);
            refusal.write(out)
        };
        let query = Query::parse(incoming.query);
        let Some(segments) = below_root(incoming.path) else {
            self.counter.routed(incoming.sub, "unknown");
            return refuse(out, Refusal::no_route(incoming.path));
        };
        let Some(route) = Route::find(&segments, self) else {
            self.counter.routed(incoming.sub, "unknown");
            return refuse(out, Refusal::no_route(&format!("{}{}", incoming.base, incoming.path)));
        };
        self.counter.routed(incoming.sub, route.label());
        let subject =
            LazyCell::new(|| segments.get(1).filter(|_| route.has_subject()).and_then(|id| self.lookup(id).ok()));
        let about = |pattern: &str| subject.as_ref().is_some_and(|subject| subject.answers_to(pattern));
        let incident = Incident { sub: incoming.sub, route: route.label(), body: incoming.body };
        let plan = self.faults.plan(incident, about);
        let knobs = &self.config.knobs;
        let result = match plan.status {
            Some(status) => Err(Refusal::of_status(status, incoming.sub, knobs.retry_after, knobs.rate_limit_json)),
            None => {
                let Incoming { sub, client, base, method, body, .. } = incoming;
                let shape = plan.shape.clone();
                let call = Call { app: self, sub, client, base, method, segments, query, body, shape };
                routes::serve(route, &call, out)
            }
        };
        let mut head = result.unwrap_or_else(|refusal| refuse(out, refusal));
        plan.apply(incoming.sub, out, start, &mut head);
        head
    }

    /// The tag that a WebId names, hidden or not.
    pub(crate) fn find_tag(&self, web_id: &str) -> Result<Arc<Tag>, Refusal> {
        let missing = || Refusal::errors(404, format!("PI Point not found. WebId '{web_id}' does not exist."));
        let garbage = || Refusal::bad(format!("The specified WebId '{web_id}' is invalid."));
        let id = match webid::decode(web_id) {
            Ok(id) => id,
            Err(Unknown::Garbage) => return Err(garbage()),
            Err(Unknown::Missing) => return Err(missing()),
        };
        if id.class != Class::Point || id.server.is_some_and(|server| server != self.truth.server()) {
            return Err(missing());
        }
        let catalogue = self.truth.catalogue();
        let tag = match id.local {
            Some(Local::Number(number)) => catalogue.by_id(number),
            _ => id.path.as_deref().and_then(|path| self.tag_of_path(path)).and_then(|name| catalogue.by_name(name)),
        };
        tag.cloned().ok_or_else(missing)
    }

    /// The tag that a WebId names, if the caller may read it.
    pub(crate) fn readable_tag(&self, web_id: &str) -> Result<Arc<Tag>, Refusal> {
        let tag = self.find_tag(web_id)?;
        match tag.hidden {
            None => Ok(tag),
            Some(Hidden::Forbidden) => Err(Refusal::of_status(403, true, None, true)),
            Some(Hidden::NotFound) => {
                Err(Refusal::errors(404, format!("PI Point not found. WebId '{web_id}' does not exist.")))
            }
            Some(Hidden::BadGateway) => Err(Refusal::errors(502, "[-10401] No Read Access - Secure Object".to_owned())),
        }
    }

    /// The tag's name in `\\SERVER\TAG`, leading backslashes or not, when the server is this one.
    pub(crate) fn tag_of_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (server, name) = path.trim_start_matches('\\').split_once('\\')?;
        (server.to_uppercase() == self.config.server_name.to_uppercase()).then_some(name)
    }
}

impl Application for App {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn counter(&self) -> &Counter {
        &self.counter
    }

    fn admit(&self, peer: &Peer, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
        if control::is_for(self, parts.uri.path()) {
            return Ok(());
        }
        auth::authenticate(&self.config.auth, &parts.headers)?;
        if let Some(limit) = self.config.rate_limit
            && !self.limiter.admit(peer.ip, limit)
        {
            let knobs = &self.config.knobs;
            return Err(Refusal::of_status(429, false, knobs.retry_after, knobs.rate_limit_json));
        }
        auth::forgery(&self.config, &parts.method, &parts.headers)?;
        if parts.method == Method::POST && !body.is_empty() {
            let kind =
                parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            if !kind.eq_ignore_ascii_case("application/json") && !kind.eq_ignore_ascii_case("text/json") {
                let text = format!("The request entity's media type '{kind}' is not supported for this resource.");
                return Err(Refusal::message(415, text));
            }
        }
        Ok(())
    }

    fn answer(&self, peer: &Peer, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head {
        if control::is_for(self, parts.uri.path()) {
            return control::serve(self, parts, body, out);
        }
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let base = format!("{}://{host}/piwebapi", if peer.secure { "https" } else { "http" });
        let incoming = Incoming {
            sub: false,
            client: peer.ip,
            base: &base,
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body,
        };
        self.call(incoming, out)
    }
}

/// Decoded segments below `/piwebapi`, which may be spelled in any case; `None`: another application's path.
fn below_root(path: &str) -> Option<Vec<String>> {
    let mut segments = path.split('/').skip(1).map(|segment| percent_decode(segment, false));
    segments.next().filter(|root| root.eq_ignore_ascii_case("piwebapi"))?;
    let mut segments: Vec<String> = segments.collect();
    if segments.last().is_some_and(String::is_empty) {
        segments.pop();
    }
    Some(segments)
}
