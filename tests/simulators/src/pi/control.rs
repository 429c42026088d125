//! `/_sim/…`: the truth, the faults, the figures and the edits for tests in another process.
//!
//! | request | meaning |
//! |---|---|
//! | `GET /_sim/points` | every point: index, id, name, path, type, hidden |
//! | `GET /_sim/truth?tag=NAME&start=T&end=T` | events in `[start, end)`, times RFC 3339 |
//! | `GET /_sim/stats`, `DELETE /_sim/stats` | figures; back to zero |
//! | `GET /_sim/faults`, `POST /_sim/faults` | how often each fired; replace all by a JSON list (objects or one-line specs) |
//! | `POST /_sim/events` | `{"tag":NAME,"insert":[{"timestamp":T,"value":V,…}],"delete":[T],"replace":[{…,"ordinal":N}]}` |
//! | `POST /_sim/updates` | `{"pass_seconds":N,"forget":true,"spoil":NAME}`: idle time, a restart, an error of Stream Updates |
//! | `POST /_sim/end` | `{"end":T}` moves the end of what has arrived |
//! | `POST /_sim/tags` | `{"name":NAME,"kind":"Float64"}` adds a tag; its index |
//!
//! No authentication: it exists only where `--control` asks for it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::Method;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::answer::{Head, Refusal};
use super::app::App;
use super::config::Override;
use super::event::{Event, Value};
use super::query::Query;
use super::tag::Kind;
use super::time::parse_rfc3339;
use super::webid::Form;
use crate::shared::control::{common, finish, nanos};

/// Whether this path is ours.
pub(crate) fn is_for(app: &App, path: &str) -> bool {
    app.config.control && path.starts_with("/_sim/")
}

/// Answers one control request.
pub(crate) fn serve(app: &App, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head {
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let result = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/_sim/points") => Ok(points(app)),
        (&Method::GET, "/_sim/truth") => truth(app, &query),
        (&Method::GET, "/_sim/stats") => serde_json::to_value(app.counter.read()).context("figures"),
        (&Method::DELETE, "/_sim/stats") => {
            app.counter.reset();
            Ok(json!({}))
        }
        (&Method::POST, "/_sim/events") => edit(app, body),
        (&Method::POST, "/_sim/updates") => updates(app, body),
        (&Method::POST, "/_sim/tags") => add(app, body),
        _ => match common(parts, body, &app.faults, app.truth.clock()) {
            Some(result) => result,
            None => return Refusal::no_route(parts.uri.path()).write(out),
        },
    };
    finish(result, out)
}

fn points(app: &App) -> Json {
    let each = app.truth.points().into_iter().map(|point| {
        json!({"index": point.index, "id": point.id, "name": point.name, "path": point.path, "future": point.future,
            "type": point.kind.point_type(), "hidden": point.hidden, "webId": point.web_id(Form::Full)})
    });
    Json::Array(each.collect())
}

fn tag(app: &App, name: &str) -> Result<usize> {
    app.truth.index_of(name).with_context(|| format!("no tag is named {name}"))
}

fn truth(app: &App, query: &Query) -> Result<Json> {
    let index = tag(app, query.one("tag").context("the parameter tag is missing")?)?;
    let events = app.truth.events(index, nanos(query.one("start"), 0)?, nanos(query.one("end"), i64::MAX)?);
    let each = events.iter().map(|event| {
        let value: Json = serde_json::from_str(&event.value.json()).unwrap_or_default();
        json!({"timestamp": event.timestamp(), "ticks": event.ticks, "value": value, "good": event.good,
            "questionable": event.questionable, "substituted": event.substituted, "annotated": event.annotated,
            "provisional": event.provisional})
    });
    Ok(Json::Array(each.collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    tag: String,
    #[serde(default)]
    insert: Vec<Row>,
    #[serde(default)]
    replace: Vec<Row>,
    #[serde(default)]
    delete: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    timestamp: String,
    value: Json,
    good: Option<bool>,
    #[serde(default)]
    questionable: bool,
    #[serde(default)]
    substituted: bool,
    #[serde(default)]
    annotated: bool,
    #[serde(default)]
    ordinal: usize,
}

impl Row {
    fn event(&self, kind: Kind) -> Result<Event> {
        Ok(Event {
            ticks: parse_rfc3339(&self.timestamp)?,
            value: value(&self.value, kind)?,
            good: self.good.unwrap_or(true),
            questionable: self.questionable,
            substituted: self.substituted,
            annotated: self.annotated,
            provisional: false,
        })
    }
}

/// JSON as a value of a tag of this kind.
fn value(json: &Json, kind: Kind) -> Result<Value> {
    let number = |json: &Json| json.as_f64();
    let value = match json {
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(text) if kind == Kind::Timestamp => Value::Timestamp(parse_rfc3339(text)?),
        Json::String(text) => Value::Text(text.clone().into()),
        Json::Number(n) => match (kind, n.as_i64(), n.as_f64()) {
            (Kind::Float32, _, Some(n)) => Value::Float32(n as f32),
            (Kind::Float64, _, Some(n)) => Value::Float64(n),
            (_, Some(n), _) => Value::Int(n),
            (_, None, Some(n)) => Value::Float64(n),
            _ => bail!("{json}: a number that no value can hold"),
        },
        Json::Array(items) => Value::Array(
            items.iter().map(number).collect::<Option<_>>().with_context(|| format!("{json}: not numbers"))?,
        ),
        Json::Object(members) => match (members.get("Name"), members.get("Value"), members.get("Errors")) {
            (Some(Json::String(name)), Some(code), _) => {
                let code = code.as_i64().and_then(|code| i32::try_from(code).ok()).context("Value: not a code")?;
                let name = name.clone().into();
                let system = members.get("IsSystem").and_then(Json::as_bool).unwrap_or(false);
                if system { Value::System { name, code } } else { Value::Digital { name, code } }
            }
            (_, _, Some(errors)) => Value::Errors(Vec::deserialize(errors).context("Errors: not strings")?),
            _ => bail!("{json}: neither a state nor an error object"),
        },
        Json::Null => bail!("null: no value has that shape"),
    };
    Ok(value)
}

fn edit(app: &App, body: &[u8]) -> Result<Json> {
    let edit: Edit = serde_json::from_slice(body).context("edits")?;
    let index = tag(app, &edit.tag)?;
    let kind = app.truth.points().get(index).map_or(Kind::Float32, |point| point.kind);
    let (mut inserted, mut replaced, mut deleted) = (0, 0, 0);
    for row in &edit.insert {
        inserted += usize::from(app.truth.insert(index, row.event(kind)?));
    }
    for row in &edit.replace {
        let event = row.event(kind)?;
        replaced += usize::from(app.truth.replace(index, event.ticks, row.ordinal, event));
    }
    for timestamp in &edit.delete {
        deleted += app.truth.delete(index, parse_rfc3339(timestamp)?);
    }
    Ok(json!({"inserted": inserted, "replaced": replaced, "deleted": deleted}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    #[serde(default)]
    pass_seconds: u64,
    #[serde(default)]
    forget: bool,
    spoil: Option<String>,
}

fn updates(app: &App, body: &[u8]) -> Result<Json> {
    let cache: Cache = serde_json::from_slice(body).context("updates")?;
    let spoilt = match &cache.spoil {
        Some(name) => app.truth.spoil_updates(tag(app, name)?),
        None => 0,
    };
    app.truth.updates().pass(Duration::from_secs(cache.pass_seconds));
    if cache.forget {
        app.truth.updates().forget();
    }
    Ok(json!({"spoilt": spoilt}))
}

fn add(app: &App, body: &[u8]) -> Result<Json> {
    let body: Json = serde_json::from_slice(body).context("tag")?;
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let kind = match text("kind") {
        Some(name) => Some(Kind::parse(name).with_context(|| format!("{name}: no such kind"))?),
        None => None,
    };
    let index = app.truth.add_tag(Override { name: text("name").map(str::to_owned), kind, ..Override::default() });
    Ok(json!({"index": index}))
}
