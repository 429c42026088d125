//! Generated event frames: slot `k` covers `[k·interval, (k+1)·interval)` since the Unix epoch, and one frame begins in
//! its first half.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{Frames, PHASE};
use super::record::{Record, Severity};
use crate::pi::assets::{Home, Makes};
use crate::pi::clock::{DAY, SECOND};
use crate::pi::webid::{self, Guid};
use crate::shared::hash::{mix, unit};

/// Rounds down to AF's grid of 1/300 s (reference §0).
pub(crate) fn af_grid(ticks: i64) -> i64 {
    let (second, rest) = (ticks.div_euclid(SECOND), ticks.rem_euclid(SECOND));
    // Thirds of a tick are cut off, so the steps are counted with what was cut.
    second * SECOND + (3 * rest + 2) / 100_000 * 100_000 / 3
}

/// How the frames of one database are made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The database.
    pub(crate) home: Arc<Home>,
    templates: Vec<usize>,
    phase: Option<usize>,
    untemplated: f64,
    children: usize,
    interval: Option<i64>,
    start: i64,
    end: i64,
    first_open: i64,
}

impl Plan {
    /// The frames of a history from `start` to `end`, in ticks.
    pub(crate) fn new(frames: &Frames, home: Arc<Home>, start: i64, end: i64) -> Plan {
        let phase = home.template(PHASE).filter(|_| frames.children > 0);
        let mut templates = home.makers(Makes::EventFrame);
        templates.retain(|index| Some(*index) != phase);
        let interval = (frames.per_day > 0.0).then(|| ((DAY as f64 / frames.per_day) as i64).max(SECOND));
        let mut plan = Plan {
            home,
            templates,
            phase,
            untemplated: frames.untemplated,
            children: frames.children,
            interval,
            start,
            end,
            first_open: 0,
        };
        if let Some(interval) = interval {
            let last = plan.slot_of(end);
            let begun = plan.span(last, interval).0 <= end;
            plan.first_open = last + i64::from(begun) - i64::try_from(frames.open).unwrap_or(i64::MAX);
        }
        plan
    }

    /// The slot that holds `ticks`.
    pub(crate) fn slot_of(&self, ticks: i64) -> i64 {
        self.interval.map_or(0, |interval| ticks.div_euclid(interval))
    }

    /// The first slot of the history.
    pub(crate) fn first(&self) -> i64 {
        self.slot_of(self.start)
    }

    fn hash(&self, k: i64) -> u64 {
        mix(self.home.seed ^ mix(k as u64 ^ 0xEF00_0000_0000_0000))
    }

    /// Begin and end of the frame of slot `k`.
    fn span(&self, k: i64, interval: i64) -> (i64, i64) {
        let hash = self.hash(k);
        let start = af_grid(k * interval + (unit(hash) * 0.5 * interval as f64) as i64);
        let length = ((0.05 + 2.4 * unit(mix(hash ^ 2))) * interval as f64) as i64;
        let end = af_grid(start + length);
        if start > self.end {
            return (start, end);
        }
        // What began in the configured history has ended in it, but for the newest, which are told to be open.
        let end = if k >= self.first_open { af_grid(self.end + interval + length) } else { end.min(af_grid(self.end)) };
        (start, end.max(start))
    }

    /// Appends the frame of slot `k` and those below it; nothing for a slot before the history.
    pub(crate) fn slot(&self, k: i64, out: &mut Vec<Record>) {
        let Some(interval) = self.interval else { return };
        let (start, end) = self.span(k, interval);
        if start < self.start {
            return;
        }
        let hash = self.hash(k);
        let guid = webid::derive(&self.home.guid, b'F', k as u64);
        let dealt = self.templates.get(k.unsigned_abs() as usize % self.templates.len().max(1)).copied();
        let template = dealt.filter(|_| unit(mix(hash ^ 3)) >= self.untemplated);
        let kind = template.and_then(|at| self.home.templates.get(at)).map_or("Event".to_owned(), |t| t.category());
        let severity = if hash & 3 == 0 { Severity::ALL[(hash >> 8) as usize % Severity::ALL.len()] } else { "None" };
        let can_acknowledge = hash.is_multiple_of(3);
        let acknowledged = can_acknowledge && hash.is_multiple_of(2);
        let mut frame = Record {
            guid,
            name: if k % 10 == 7 { format!("{kind} unplanned") } else { format!("{kind} {k:07}") },
            description: if hash & 16 == 0 { String::new() } else { format!("{kind} number {k}") },
            template,
            categories: template.map(|_| kind).into_iter().collect(),
            start,
            end: Some(end),
            fixed: false,
            severity,
            can_acknowledge,
            acknowledged: acknowledged.then(|| (r"SIM\operator".to_owned(), af_grid(end + 60 * SECOND))),
            annotated: hash & 0x700 == 0,
            locked: hash & 0xF800 == 0,
            parent: None,
            children: Vec::new(),
            elements: self.elements(hash),
            values: BTreeMap::new(),
            number: k as u64,
        };
        let below = self.phases(&frame);
        frame.children = below.iter().map(|child| child.guid).collect();
        out.push(frame);
        out.extend(below);
    }

    /// None, one or several elements, the primary one first.
    fn elements(&self, hash: u64) -> Vec<Guid> {
        let count = match hash >> 60 {
            _ if self.home.elements == 0 => 0,
            0 => 0,
            1..=3 => 3,
            _ => 1,
        };
        let mut found: Vec<Guid> = Vec::new();
        for n in 0..count {
            let number = mix(hash ^ n) % self.home.elements as u64;
            let guid = webid::derive(&self.home.guid, b'E', number);
            if !found.contains(&guid) {
                found.push(guid);
            }
        }
        found
    }

    /// The frames below one, one after the other.
    fn phases(&self, frame: &Record) -> Vec<Record> {
        let end = frame.end.unwrap_or(frame.start);
        let count = self.children as i64;
        let edge = |n: i64| af_grid(frame.start + (end - frame.start) / count.max(1) * n).max(frame.start);
        let each = (0..count).map(|n| Record {
            guid: webid::derive(&frame.guid, b'P', n as u64),
            name: format!("Phase {}", n + 1),
            description: String::new(),
            template: self.phase,
            categories: Vec::new(),
            start: edge(n),
            end: Some(if n + 1 == count { end } else { edge(n + 1) }),
            severity: "None",
            can_acknowledge: false,
            acknowledged: None,
            annotated: false,
            locked: false,
            parent: Some((frame.guid, frame.name.clone())),
            children: Vec::new(),
            number: mix(frame.number ^ (n as u64 + 1) << 32),
            ..frame.clone()
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_lie_on_the_grid_of_af() {
        for (ticks, on_grid) in [(0, 0), (33_332, 0), (33_333, 33_333), (66_666, 66_666), (10_000_001, 10_000_000)] {
            assert_eq!(af_grid(ticks), on_grid);
            assert_eq!(af_grid(on_grid), on_grid);
        }
    }
}
