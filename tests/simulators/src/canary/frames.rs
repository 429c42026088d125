//! Event frames: generated over the history at start-up, begun, ended and taken away by tests.

use serde_json::json;

use super::names;
use super::tag::Point;
use crate::shared::clock::{DAY, SECOND};
use crate::shared::hash::mix;

/// One event frame.
#[derive(Clone, Debug, PartialEq)]
pub struct EventFrame {
    /// `Id`, a GUID.
    pub id: String,
    /// `Hash` of the rule that makes such events.
    pub hash: String,
    /// `EventTypeName`.
    pub event_type: String,
    /// `AssetBasePath`, the path of its asset in the virtual view.
    pub asset: String,
    /// `AssociatedTags`, full paths.
    pub tags: Vec<String>,
    /// Ticks since the Unix epoch.
    pub starts_at: i64,
    /// Ticks; `None`: in process.
    pub ends_at: Option<i64>,
    /// Shorter than its rule wants: listed only where `includeMinDurationEvents` is given.
    pub below_min_duration: bool,
    /// `Notify`.
    pub notify: bool,
    /// Name, equation and value of its properties.
    pub properties: Vec<(String, String, serde_json::Value)>,
}

impl EventFrame {
    /// The frame as it stands at an instant: an end in the future has not come yet.
    pub(crate) fn at(&self, now: i64) -> Option<EventFrame> {
        let ends_at = self.ends_at.filter(|end| *end <= now);
        (self.starts_at <= now).then(|| EventFrame { ends_at, ..self.clone() })
    }
}

/// Types of event with the hashes of their rules.
const TYPES: [(&str, &str); 3] =
    [("Downtime", "d41d8cd98f00b204"), ("High Temperature", "0cc175b9c0f1b6a8"), ("Batch", "92eb5ffee6ae2fec")];

/// A GUID that follows from a seed.
pub(crate) fn guid(seed: u64) -> String {
    let (high, low) = (mix(seed), mix(seed ^ 0x5bd1_e995));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// Makes the `n`-th frame of a server: on the asset of one of its tags, at any tick.
pub(crate) fn make(seed: u64, n: usize, starts_at: i64, points: &[Point]) -> EventFrame {
    let hash = mix(mix(seed ^ 0xF4A3) ^ n as u64);
    let (event_type, rule) = TYPES[n % TYPES.len()];
    let point = points.get((hash % points.len().max(1) as u64) as usize);
    let first = point.map_or(0, |point| point.index - point.index % names::PER_ASSET);
    let tags = points.iter().filter(|it| (first..first + names::PER_ASSET).contains(&it.index));
    let tags: Vec<String> = tags.filter_map(|it| it.asset_path.clone()).collect();
    let asset = tags.first().and_then(|tag| tag.rsplit_once('.')).map_or(String::new(), |(asset, _)| asset.to_owned());
    let length = (60 + (hash >> 20) % 7200) as i64 * SECOND + (hash >> 50) as i64;
    let average = tags.first().map_or(String::new(), |tag| format!("TimeAverage2([{tag}])"));
    EventFrame {
        id: guid(hash),
        hash: rule.to_owned(),
        event_type: event_type.to_owned(),
        asset,
        tags,
        starts_at,
        ends_at: Some(starts_at + length),
        below_min_duration: hash.is_multiple_of(16),
        notify: hash & 0x100 != 0,
        properties: vec![
            ("Average".to_owned(), average, json!((hash >> 40) as f64 / 1024.0)),
            ("Reason".to_owned(), "\"störung \\\"A\\\"\"".to_owned(), json!("störung \"A\"")),
            ("Operator".to_owned(), String::new(), serde_json::Value::Null),
        ],
    }
}

/// The frames of a history: `per_day`, the newest `open` of them in process.
pub(crate) fn history(seed: u64, start: i64, end: i64, per_day: f64, open: usize, points: &[Point]) -> Vec<EventFrame> {
    if per_day <= 0.0 || points.is_empty() {
        return Vec::new();
    }
    let gap = ((DAY as f64 / per_day) as i64).max(SECOND);
    let starts = (0..).map(|n: usize| start + gap / 2 + gap * n as i64 + (mix(seed ^ n as u64) % 10_000) as i64);
    let mut frames: Vec<EventFrame> =
        starts.take_while(|at| *at < end).enumerate().map(|(n, at)| make(seed, n, at, points)).collect();
    let first_open = frames.len().saturating_sub(open);
    for frame in frames.iter_mut().skip(first_open) {
        (frame.ends_at, frame.below_min_duration) = (None, false);
    }
    frames
}
