//! `getBatchEvents` of version 25.4: events by filters, without the usual envelope.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::frames::EventFrame;
use crate::canary::json::named;
use crate::canary::when::{self, span};

/// What `filters` may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Filters {
    event_types: Vec<String>,
    metadata_filters: Vec<Metadata>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    asset_path: Option<String>,
    duration_filters: Vec<Duration>,
    status: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    key: String,
    value: String,
    comparison: String,
}

#[derive(Debug, Deserialize)]
struct Duration {
    duration: String,
    comparison: String,
}

/// `getBatchEvents`.
pub(super) fn list(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let bad = |text: String| Refused::errors(format!("parameter 'filters': {text}"));
    let filters = match call.params.value("filters") {
        Some(value) => Filters::deserialize(value).map_err(|error| bad(error.to_string()))?,
        None => Filters::default(),
    };
    let time = |text: &Option<String>, default: i64| match text {
        Some(text) => when::time(text, &call.anchors()).ok_or_else(|| bad(format!("'{text}' is not a time"))),
        None => Ok(default),
    };
    let (from, to) = (time(&filters.starts_at, i64::MIN)?, time(&filters.ends_at, i64::MAX)?);
    if let Some(status) = filters.status.as_deref().filter(|it| !["Active", "Completed", "Aborted"].contains(it)) {
        return Err(bad(format!("'{status}' is not a status")));
    }
    let most = call.params.number("maxcount", usize::MAX)?;
    let metadata = call.params.flag("includemetadata", false)?;
    let mut events = if call.is_offline() { Vec::new() } else { call.app.truth.frames() };
    events.retain(|event| event.starts_at <= to && event.ends_at.is_none_or(|end| end >= from));
    let mut kept = Vec::new();
    for event in events {
        if filters.keep(call, &event).map_err(bad)? {
            kept.push(event);
        }
    }
    let total = kept.len();
    kept.truncate(most);
    named(out, "eventIds");
    let ids: Vec<Json> = kept.iter().map(|event| json!(event.id)).collect();
    out.extend_from_slice(Json::from(ids).to_string().as_bytes());
    named(out, "events");
    let shown: Vec<Json> = kept.iter().map(|event| show(call, event, metadata)).collect();
    out.extend_from_slice(Json::from(shown).to_string().as_bytes());
    named(out, "totalCount");
    out.extend_from_slice(total.to_string().as_bytes());
    Ok(())
}

/// `Active` while in process, else `Completed`; no generated batch is ever aborted.
fn status(event: &EventFrame) -> &'static str {
    if event.ends_at.is_none() { "Active" } else { "Completed" }
}

impl Filters {
    fn keep(&self, call: &Call<'_>, event: &EventFrame) -> Result<bool, String> {
        let now = call.app.truth.clock().arrived();
        let length = event.ends_at.unwrap_or(now) - event.starts_at;
        for filter in &self.duration_filters {
            let wanted = span(&filter.duration).ok_or_else(|| format!("'{}' is not a time span", filter.duration))?;
            if !compare(&filter.comparison, length.cmp(&wanted), false)? {
                return Ok(false);
            }
        }
        for filter in &self.metadata_filters {
            let value = event.properties.iter().find(|(name, ..)| *name == filter.key).map(|(_, _, value)| value);
            let text =
                value.and_then(Json::as_str).map_or_else(|| value.map(Json::to_string), |it| Some(it.to_owned()));
            let Some(text) = text else { return Ok(false) };
            let contains = text.contains(&filter.value);
            if !compare(&filter.comparison, text.as_str().cmp(&filter.value), contains)? {
                return Ok(false);
            }
        }
        let typed = self.event_types.is_empty() || self.event_types.contains(&event.event_type);
        let placed = self.asset_path.as_deref().is_none_or(|path| event.asset.starts_with(path));
        Ok(typed && placed && self.status.as_deref().is_none_or(|wanted| wanted == status(event)))
    }
}

fn compare(comparison: &str, order: std::cmp::Ordering, contains: bool) -> Result<bool, String> {
    Ok(match comparison {
        "Equal" => order.is_eq(),
        "Contains" => contains,
        "LessThan" => order.is_lt(),
        "LessThanOrEqual" => order.is_le(),
        "GreaterThan" => order.is_gt(),
        "GreaterThanOrEqual" => order.is_ge(),
        other => return Err(format!("'{other}' is not a comparison")),
    })
}

fn show(call: &Call<'_>, event: &EventFrame, metadata: bool) -> Json {
    let mut shown = json!({
        "id": event.id,
        "name": format!("{} {}", event.event_type, event.id.get(..8).unwrap_or_default()),
        "assetInstance": event.asset,
        "eventType": event.event_type,
        "startsAt": call.zone.format(event.starts_at),
        "endsAt": event.ends_at.map(|end| call.zone.format(end)),
        "status": {"status": status(event)},
    });
    if metadata && let Some(members) = shown.as_object_mut() {
        let pairs = event.properties.iter().map(|(name, _, value)| json!({"key": name, "value": value}));
        members.insert("metadata".to_owned(), Json::Array(pairs.collect()));
    }
    shown
}
