//! `/_sim/…`: the truth, the faults, the figures and the edits for tests in another process.
//!
//! | request | meaning |
//! |---|---|
//! | `GET /_sim/points` | every tag: index, path, asset path, historian item id, kind, hidden, diagnostic |
//! | `GET /_sim/truth?tag=PATH&start=T&end=T` | samples in `[start, end)`, times RFC 3339 |
//! | `GET /_sim/stats`, `DELETE /_sim/stats` | figures; back to zero |
//! | `GET /_sim/faults`, `POST /_sim/faults` | how often each fired; replace all by a JSON list (objects or one-line specs) |
//! | `POST /_sim/events` | `{"tag":PATH,"insert":[{"timestamp":T,"value":V,"quality":Q}],"delete":[T],"replace":[…]}` |
//! | `POST /_sim/state` | `{"pass_seconds":N,"forget":true,"offline":B,"bump":VIEW}`: idle time, a restart, an outage, a rebuild |
//! | `POST /_sim/end` | `{"end":T}` moves the end of what has arrived |
//! | `POST /_sim/tags` | `{"name":NAME,"kind":"Float64"}` adds a tag, its index; `{"remove":PATH}` takes one away |
//! | `GET /_sim/frames` | every event frame |
//! | `POST /_sim/frames` | `{"begin":T}`, `{"end":ID,"at":T}` or `{"remove":ID}` |
//!
//! No authentication: it exists only where `--control` asks for it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::Method;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::answer::of_status;
use super::app::App;
use super::config::Override;
use super::params::Params;
use super::sample::{GOOD, Sample, Value};
use super::tag::Kind;
use crate::shared::answer::Head;
use crate::shared::control::{common, finish, nanos};
use crate::shared::time::{format_ticks, parse_rfc3339};

/// Whether this path is ours.
pub(crate) fn is_for(app: &App, path: &str) -> bool {
    app.config.control && path.starts_with("/_sim/")
}

/// Answers one control request.
pub(crate) fn serve(app: &App, parts: &Parts, body: &[u8], out: &mut Vec<u8>) -> Head {
    let result = match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/_sim/points") => Ok(points(app)),
        (&Method::GET, "/_sim/truth") => truth(app, parts.uri.query().unwrap_or_default()),
        (&Method::GET, "/_sim/stats") => serde_json::to_value(app.stats()).context("figures"),
        (&Method::DELETE, "/_sim/stats") => {
            app.reset_stats();
            Ok(json!({}))
        }
        (&Method::POST, "/_sim/events") => edit(app, body),
        (&Method::POST, "/_sim/state") => state(app, body),
        (&Method::POST, "/_sim/tags") => tags(app, body),
        (&Method::GET, "/_sim/frames") => Ok(frames(app)),
        (&Method::POST, "/_sim/frames") => change_frame(app, body),
        _ => match common(parts, body, &app.faults, app.truth.clock()) {
            Some(result) => result,
            None => return of_status(404, None).write(out),
        },
    };
    finish(result, out)
}

fn points(app: &App) -> Json {
    let each = app.truth.points().into_iter().map(|point| {
        json!({"index": point.index, "path": point.path, "assetPath": point.asset_path, "hidden": point.hidden,
            "historianItemId": point.historian_item_id, "kind": format!("{:?}", point.kind), "units": point.units,
            "diagnostic": point.diagnostic})
    });
    Json::Array(each.collect())
}

fn tag(app: &App, path: &str) -> Result<usize> {
    app.truth.index_of(path).with_context(|| format!("no tag has the path {path}"))
}

fn truth(app: &App, query: &str) -> Result<Json> {
    let Ok(params) = Params::read(query, &[]) else { bail!("the query cannot be read") };
    let one = |name: &str| params.value(name).and_then(Json::as_str);
    let index = tag(app, one("tag").context("the parameter tag is missing")?)?;
    let samples = app.truth.events(index, nanos(one("start"), 0)?, nanos(one("end"), i64::MAX)?);
    let each = samples.iter().map(|sample| {
        let value: Json = serde_json::from_str(&sample.value.json()).unwrap_or_default();
        json!({"timestamp": format_ticks(sample.ticks), "ticks": sample.ticks, "value": value,
            "quality": sample.quality})
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
    quality: Option<u32>,
}

impl Row {
    fn sample(&self, kind: Kind) -> Result<Sample> {
        let value = match &self.value {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::String(text) => Value::Text(text.clone().into()),
            Json::Number(number) => match (kind, number.as_i64(), number.as_f64()) {
                (Kind::Float32, _, Some(number)) => Value::Float32(number as f32),
                (Kind::Float64, _, Some(number)) => Value::Float64(number),
                (_, Some(number), _) => Value::Int(number),
                (_, None, Some(number)) => Value::Float64(number),
                _ => bail!("{number}: a number that no value can hold"),
            },
            other => bail!("{other}: no value has that shape"),
        };
        Ok(Sample { ticks: parse_rfc3339(&self.timestamp)?, value, quality: self.quality.unwrap_or(GOOD) })
    }
}

fn edit(app: &App, body: &[u8]) -> Result<Json> {
    let edit: Edit = serde_json::from_slice(body).context("edits")?;
    let index = tag(app, &edit.tag)?;
    let kind = app.truth.points().get(index).map_or(Kind::Float32, |point| point.kind);
    let (mut inserted, mut replaced, mut deleted) = (0, 0, 0);
    for row in &edit.insert {
        inserted += usize::from(app.truth.insert(index, row.sample(kind)?));
    }
    for row in &edit.replace {
        replaced += usize::from(app.truth.replace(index, row.sample(kind)?));
    }
    for timestamp in &edit.delete {
        deleted += app.truth.delete(index, parse_rfc3339(timestamp)?);
    }
    Ok(json!({"inserted": inserted, "replaced": replaced, "deleted": deleted}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    #[serde(default)]
    pass_seconds: u64,
    #[serde(default)]
    forget: bool,
    offline: Option<bool>,
    bump: Option<String>,
}

fn state(app: &App, body: &[u8]) -> Result<Json> {
    let state: State = serde_json::from_slice(body).context("state")?;
    app.let_pass(Duration::from_secs(state.pass_seconds));
    if state.forget {
        app.forget();
    }
    if let Some(offline) = state.offline {
        app.truth.set_offline(offline);
    }
    if let Some(view) = &state.bump
        && !app.truth.bump_sequence(view)
    {
        bail!("no view is named {view}");
    }
    Ok(json!({}))
}

fn tags(app: &App, body: &[u8]) -> Result<Json> {
    let body: Json = serde_json::from_slice(body).context("tag")?;
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    if let Some(path) = text("remove") {
        return Ok(json!({"removed": app.truth.remove_tag(tag(app, path)?)}));
    }
    let kind = match text("kind") {
        Some(name) => Some(Kind::parse(name).with_context(|| format!("{name}: no such kind"))?),
        None => None,
    };
    let index = app.truth.add_tag(&Override { name: text("name").map(str::to_owned), kind, ..Override::default() });
    Ok(json!({"index": index}))
}

fn frames(app: &App) -> Json {
    let each = app.truth.frames().into_iter().map(|frame| {
        json!({"id": frame.id, "eventType": frame.event_type, "asset": frame.asset,
            "startsAt": format_ticks(frame.starts_at), "endsAt": frame.ends_at.map(format_ticks)})
    });
    Json::Array(each.collect())
}

fn change_frame(app: &App, body: &[u8]) -> Result<Json> {
    let body: Json = serde_json::from_slice(body).context("frame")?;
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    if let Some(at) = text("begin") {
        return Ok(json!({"id": app.truth.begin_frame(parse_rfc3339(at)?)}));
    }
    if let Some(id) = text("end") {
        let at = text("at").context("the member at is missing")?;
        return Ok(json!({"ended": app.truth.end_frame(id, parse_rfc3339(at)?)}));
    }
    let id = text("remove").context("expected begin, end or remove")?;
    Ok(json!({"removed": app.truth.remove_frame(id)}))
}
