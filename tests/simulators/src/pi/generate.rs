//! The generated stream of a tag: a pure function of the seed, the tag's index and the slot of time.
//!
//! Slot `k` covers `[k·interval, (k+1)·interval)` since the Unix epoch and usually holds one event, somewhere in its
//! first three quarters. So any stretch of any history is found without looking at what lies before it, and two servers
//! with one seed agree wherever their histories overlap.

use std::borrow::Cow;

use super::clock::SECOND;
use super::config::Sprinkle;
use super::event::{Event, Value};
use super::hash::{mix, unit, wave};
use super::names;
use super::tag::Kind;

/// Rounds down to the archive's grid of 2⁻¹⁶ s, expressed in ticks.
fn grid(ticks: i64) -> i64 {
    let (second, rest) = (ticks.div_euclid(SECOND), ticks.rem_euclid(SECOND));
    second * SECOND + (((rest * 65_536 / SECOND) * SECOND) >> 16)
}

/// An event before its value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// When.
    pub(crate) ticks: i64,
    /// Everything else follows from this.
    pub(crate) seed: u64,
}

/// `Good`, `Questionable`, `Substituted`, `Annotated` as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u8);

impl Flags {
    /// `Good`.
    pub(crate) const GOOD: u8 = 1;
    /// `Questionable`.
    pub(crate) const QUESTIONABLE: u8 = 2;
    /// `Substituted`.
    pub(crate) const SUBSTITUTED: u8 = 4;
    /// `Annotated`.
    pub(crate) const ANNOTATED: u8 = 8;

    /// Whether this bit is set.
    pub(crate) fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// Makes the events of one tag.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    /// Kind of value.
    pub(crate) kind: Kind,
    /// Seed of this tag.
    pub(crate) seed: u64,
    /// Length of a slot in ticks, at least 10,000.
    pub(crate) interval: i64,
    /// First instant with events.
    pub(crate) from: i64,
    /// How far events reach beyond what has arrived.
    pub(crate) ahead: i64,
    /// There are no generated events at all.
    pub(crate) empty: bool,
    /// Many events at one instant.
    pub(crate) burst: Option<(i64, u32)>,
    /// How often unusual things occur.
    pub(crate) sprinkle: Sprinkle,
    /// Labels of the digital set.
    pub(crate) labels: &'static [&'static str],
}

impl Generator {
    /// The slot that holds `ticks`.
    pub(crate) fn slot_of(&self, ticks: i64) -> i64 {
        ticks.div_euclid(self.interval)
    }

    /// Appends the events of slot `k` in time order.
    pub(crate) fn slot(&self, k: i64, out: &mut Vec<Draft>) {
        let hash = mix(self.seed ^ (k as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
        if let Some((at, count)) = self.burst
            && self.slot_of(at) == k
        {
            out.extend((0..u64::from(count)).map(|n| Draft { ticks: at, seed: mix(hash ^ n) }));
            return;
        }
        let ticks = self.instant(k, hash);
        let roll = ((hash >> 16) & 0xFFFF) as u16;
        let same_instant = self.sprinkle.same_instant;
        if roll < same_instant {
            let count = 2 + (hash & 3);
            out.extend((0..count).map(|n| Draft { ticks, seed: mix(hash ^ n) }));
        } else if roll < same_instant.saturating_add(self.sprinkle.same_microsecond) {
            let micro = ticks - ticks.rem_euclid(10);
            let offsets = [1, 4, 9].into_iter().zip(0_u64..);
            out.extend(offsets.map(|(offset, n)| Draft { ticks: micro + offset, seed: mix(hash ^ n) }));
        } else {
            out.push(Draft { ticks, seed: mix(hash) });
        }
    }

    /// Where in its slot the event lies: on whole seconds for a quarter of the tags, else anywhere on the grid.
    fn instant(&self, k: i64, hash: u64) -> i64 {
        let base = k * self.interval;
        if self.seed & 3 == 0 {
            return grid(base);
        }
        let span = (self.interval / 4) * 3;
        let ticks = base + (((hash >> 32) as i128 * i128::from(span)) >> 32) as i64;
        let rounded = match hash & 7 {
            0 | 1 => ticks - ticks.rem_euclid(SECOND),
            2 => ticks - ticks.rem_euclid(SECOND / 4),
            3 => ticks - ticks.rem_euclid(SECOND / 1000),
            _ => ticks,
        };
        grid(rounded.max(base))
    }

    /// Value and flags of a draft.
    pub(crate) fn value(&self, draft: Draft) -> (Value, Flags) {
        let s = &self.sprinkle;
        let roll = draft.seed as u16;
        let pick = mix(draft.seed);
        let mut edge = s.system;
        if roll < edge {
            let (name, code) = names::SYSTEM[(pick % names::SYSTEM.len() as u64) as usize];
            return (Value::System { name: Cow::Borrowed(name), code }, self.flags(draft, false));
        }
        edge = edge.saturating_add(s.bad_text);
        if roll < edge {
            let text = names::BAD_TEXTS[(pick % names::BAD_TEXTS.len() as u64) as usize];
            return (Value::Text(Cow::Borrowed(text)), self.flags(draft, false));
        }
        edge = edge.saturating_add(s.error_value);
        if roll < edge {
            let count = 1 + (pick & 1) as usize;
            let texts = names::ERROR_TEXTS.iter().take(count).map(|text| (*text).to_owned()).collect();
            return (Value::Errors(texts), self.flags(draft, false));
        }
        edge = edge.saturating_add(s.not_a_number);
        if roll < edge && matches!(self.kind, Kind::Float32 | Kind::Float64) {
            let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][(pick % 3) as usize];
            return (Value::Float64(value), self.flags(draft, true));
        }
        let stale = roll >= edge && roll < edge.saturating_add(s.stale);
        (self.plain(draft.ticks, pick), self.flags(draft, !stale))
    }

    fn flags(&self, draft: Draft, good: bool) -> Flags {
        let s = &self.sprinkle;
        let mut bits = if good { Flags::GOOD } else { 0 };
        for (share, shift, bit) in [
            (s.questionable, 16, Flags::QUESTIONABLE),
            (s.substituted, 32, Flags::SUBSTITUTED),
            (s.annotated, 48, Flags::ANNOTATED),
        ] {
            if ((draft.seed >> shift) as u16) < share {
                bits |= bit;
            }
        }
        Flags(bits)
    }

    /// An ordinary value: numbers swing slowly with some noise, so that columns compress as in a plant.
    fn plain(&self, ticks: i64, hash: u64) -> Value {
        let noise = (hash >> 40) as f32 / (1_u32 << 24) as f32;
        match self.kind {
            Kind::Float32 => Value::Float32(wave(self.seed, ticks) + noise),
            Kind::Float64 => self.double(ticks, hash),
            Kind::Int32 | Kind::Blob => {
                Value::Int(i64::from((wave(self.seed, ticks) * 1000.0) as i32) + (hash & 7) as i64)
            }
            Kind::Int16 => Value::Int(i64::from(hash as i16)),
            Kind::Int64 => {
                let big = (1_i64 << 53) + 1 + (hash >> 4) as i64 % (1 << 60);
                Value::Int(if hash & 1 == 0 { big } else { -big })
            }
            Kind::Digital => {
                let code = (hash % self.labels.len().max(1) as u64) as usize;
                let name = self.labels.get(code).copied().unwrap_or_default();
                Value::Digital { name: Cow::Borrowed(name), code: code as i32 }
            }
            Kind::Text => {
                let text = names::TEXTS[(hash % names::TEXTS.len() as u64) as usize];
                let numbered = hash & 0x300 == 0;
                Value::Text(if numbered { Cow::Owned(format!("{text} {}", hash >> 48)) } else { Cow::Borrowed(text) })
            }
            Kind::Timestamp => Value::Timestamp(grid(ticks - (hash % (86_400 * SECOND as u64)) as i64)),
            Kind::Bool => Value::Bool(hash & 1 == 1),
            Kind::Array => {
                let len = hash % 5;
                Value::Array((0..len).map(|n| (unit(mix(hash ^ n)) * 1e4).round() / 100.0).collect())
            }
        }
    }

    /// Doubles: mostly a swing with all its digits, now and then a magnitude that needs an exponent.
    fn double(&self, ticks: i64, hash: u64) -> Value {
        Value::Float64(match hash & 0xFF {
            0 => unit(hash) * 1e-300,
            1 => unit(hash) * 1e300,
            2 => 0.0,
            3 => f64::MIN_POSITIVE / 4.0,
            4 => f64::MAX,
            _ => f64::from(wave(self.seed, ticks)) + unit(hash),
        })
    }

    /// A draft as a whole event.
    pub(crate) fn event(&self, draft: Draft) -> Event {
        let (value, flags) = self.value(draft);
        Event {
            ticks: draft.ticks,
            value,
            good: flags.has(Flags::GOOD),
            questionable: flags.has(Flags::QUESTIONABLE),
            substituted: flags.has(Flags::SUBSTITUTED),
            annotated: flags.has(Flags::ANNOTATED),
            provisional: false,
        }
    }

    /// The provisional value after the event at `last`, an eighth of an interval later.
    pub(crate) fn provisional(&self, last: i64) -> Event {
        let draft = Draft { ticks: grid(last + self.interval / 8), seed: mix(self.seed ^ last as u64) };
        Event { provisional: true, ..self.event(draft) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(seed: u64, interval: i64, sprinkle: Sprinkle) -> Generator {
        Generator {
            kind: Kind::Float32,
            seed,
            interval,
            from: 0,
            ahead: 0,
            empty: false,
            burst: None,
            sprinkle,
            labels: &[],
        }
    }

    #[test]
    fn events_are_ordered_and_stay_in_their_slot() {
        for (seed, interval) in [(1, 10_000), (2, SECOND / 10), (3, 60 * SECOND), (4, 7 * SECOND / 3), (5, SECOND)] {
            let sprinkle = Sprinkle { same_instant: 9000, same_microsecond: 9000, ..Sprinkle::default() };
            let generator = generator(seed, interval, sprinkle);
            let mut drafts = Vec::new();
            let first = generator.slot_of(1_700_000_000 * SECOND);
            (first..first + 5000).for_each(|k| generator.slot(k, &mut drafts));
            assert!(drafts.windows(2).all(|pair| pair[0].ticks <= pair[1].ticks), "interval {interval}");
            assert!(drafts.windows(2).any(|pair| pair[0].ticks == pair[1].ticks));
            assert!(
                drafts.windows(2).any(|pair| pair[0].ticks < pair[1].ticks
                    && pair[0].ticks.div_euclid(10) == pair[1].ticks.div_euclid(10))
            );
            assert!(drafts.last().unwrap().ticks < (first + 5000) * interval);
        }
    }

    #[test]
    fn without_sprinkle_there_is_one_good_event_per_interval() {
        let generator = generator(9, 60 * SECOND, Sprinkle::none());
        let mut drafts = Vec::new();
        (0..1000).for_each(|k| generator.slot(k, &mut drafts));
        assert_eq!(drafts.len(), 1000);
        assert!(drafts.iter().all(|draft| generator.event(*draft).good));
    }

    #[test]
    fn ordinary_instants_lie_on_the_archive_grid() {
        let generator = generator(3, 60 * SECOND, Sprinkle::none());
        let mut drafts = Vec::new();
        (0..1000).for_each(|k| generator.slot(k, &mut drafts));
        assert!(drafts.iter().all(|draft| grid(draft.ticks + 1) == draft.ticks || grid(draft.ticks) == draft.ticks));
        assert!(drafts.iter().any(|draft| draft.ticks % 10 != 0));
    }
}
