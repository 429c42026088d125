//! The generated samples of a tag: a pure function of the seed, the tag's index and the slot of time.
//!
//! Slot `k` covers `[k·interval, (k+1)·interval)` since the Unix epoch and usually holds one sample, somewhere in its
//! first three quarters. Slots form blocks of [`BLOCK`]: a session ends, or quality is bad or uncertain for a while, by
//! the block, as a collector loses its source and finds it again.

use std::borrow::Cow;

use super::config::Sprinkle;
use super::names;
use super::sample::{GOOD, NO_DATA, Sample, Value};
use super::tag::Kind;
use crate::shared::clock::SECOND;
use crate::shared::hash::{mix, unit, wave};
use crate::shared::series::Source;

/// Slots in a block.
const BLOCK: i64 = 32;
/// The slot of a block whose sample is the last of a session; nothing follows it in the block.
const LAST_OF_SESSION: i64 = 27;
/// The slots of a block whose quality suffers.
const SPAN: std::ops::Range<i64> = 8..16;
/// Qualities of bad spans (reference §6.4).
const BAD: [u32; 7] = [0, 4, 8, 12, 16, 24, 28];
/// Qualities of uncertain spans.
const UNCERTAIN: [u32; 5] = [64, 68, 80, 84, 88];

/// A sample before its value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    /// When.
    pub(crate) ticks: i64,
    /// The value follows from this.
    pub(crate) seed: u64,
    /// Its quality.
    pub(crate) quality: u32,
    /// Its value is `null`.
    pub(crate) null: bool,
}

/// Makes the samples of one tag.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    /// Kind of value.
    pub(crate) kind: Kind,
    /// Seed of this tag.
    pub(crate) seed: u64,
    /// Length of a slot in ticks, at least 10,000.
    pub(crate) interval: i64,
    /// First instant with samples.
    pub(crate) from: i64,
    /// There are no generated samples at all.
    pub(crate) empty: bool,
    /// How often unusual things occur.
    pub(crate) sprinkle: Sprinkle,
}

impl Generator {
    /// Where in its slot the sample lies: on whole seconds, whole milliseconds or any tick.
    fn instant(&self, k: i64, hash: u64) -> i64 {
        let base = k * self.interval;
        if self.seed & 3 == 0 {
            return base;
        }
        let span = (self.interval / 4) * 3;
        let ticks = base + (((hash >> 32) as i128 * i128::from(span)) >> 32) as i64;
        let rounded = match hash & 7 {
            0 | 1 => ticks - ticks.rem_euclid(SECOND),
            2..=4 => ticks - ticks.rem_euclid(SECOND / 1000),
            _ => ticks,
        };
        rounded.max(base)
    }

    /// What the block does to quality at this place: the quality, and whether the value is lost.
    fn quality(&self, block: u64, place: i64, hash: u64) -> (u32, bool) {
        let s = &self.sprinkle;
        let roll = (block >> 16) as u16;
        if SPAN.contains(&place) && roll < s.bad_span {
            return (BAD[(block >> 40) as usize % BAD.len()], hash & 0x300 == 0);
        }
        if SPAN.contains(&place) && roll < s.bad_span.saturating_add(s.uncertain_span) {
            return (UNCERTAIN[(block >> 40) as usize % UNCERTAIN.len()], false);
        }
        if ((hash >> 24) as u16) < s.null {
            return (GOOD, true);
        }
        let limited = ((hash >> 8) as u16) < s.limited;
        (if limited { [193, 194, 195, 216][(hash >> 44) as usize % 4] } else { GOOD }, false)
    }

    /// Value of a draft: numbers swing slowly with some noise, so that columns compress as in a plant.
    pub(crate) fn value(&self, draft: Draft) -> Value {
        if draft.null {
            return Value::Null;
        }
        let hash = draft.seed;
        let noise = (hash >> 40) as f32 / (1_u32 << 24) as f32;
        match self.kind {
            Kind::Float32 => Value::Float32(wave(self.seed, draft.ticks) + noise),
            Kind::Float64 => Value::Float64(match hash & 0xFF {
                0 => 0.0,
                1 => unit(hash) * 1e-12,
                2 => unit(hash) * 1e15,
                _ => f64::from(wave(self.seed, draft.ticks)) + unit(hash),
            }),
            Kind::Int if hash & 0x3FF == 0 => Value::Int((1 << 53) + 1 + (hash >> 54) as i64),
            Kind::Int => Value::Int(i64::from((wave(self.seed, draft.ticks) * 1000.0) as i32) + (hash & 7) as i64),
            Kind::Bool => Value::Bool(hash & 1 == 1),
            Kind::Text => Value::Text(Cow::Borrowed(names::TEXTS[(hash % names::TEXTS.len() as u64) as usize])),
        }
    }
}

impl Source for Generator {
    type Draft = Draft;
    type Event = Sample;

    fn slot_of(&self, ticks: i64) -> i64 {
        ticks.div_euclid(self.interval)
    }

    fn slot(&self, k: i64, out: &mut Vec<Draft>) {
        let hash = mix(self.seed ^ (k as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
        let block = mix(self.seed ^ (k.div_euclid(BLOCK) as u64).wrapping_mul(0xA076_1D64_78BD_642F));
        let place = k.rem_euclid(BLOCK);
        let ends = (block as u16) < self.sprinkle.session_end;
        if ends && place > LAST_OF_SESSION {
            return;
        }
        let ticks = self.instant(k, hash);
        let (quality, null) = self.quality(block, place, hash);
        let draft = |ticks: i64, n: u64| Draft { ticks, seed: mix(hash ^ n), quality, null };
        if (hash as u16) < self.sprinkle.same_microsecond {
            let micro = ticks - ticks.rem_euclid(10);
            out.extend([1, 4, 9].into_iter().zip(0_u64..).map(|(offset, n)| draft(micro + offset, n)));
        } else {
            out.push(draft(ticks, 0));
        }
        if ends
            && place == LAST_OF_SESSION
            && let Some(last) = out.last().copied()
        {
            out.push(Draft { ticks: last.ticks + 1, quality: NO_DATA, null: true, ..last });
        }
    }

    fn instant(draft: &Draft) -> i64 {
        draft.ticks
    }

    fn ticks(sample: &Sample) -> i64 {
        sample.ticks
    }

    fn event(&self, draft: Draft) -> Sample {
        Sample { ticks: draft.ticks, value: self.value(draft), quality: draft.quality }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(sprinkle: Sprinkle) -> Vec<Sample> {
        let generator =
            Generator { kind: Kind::Float32, seed: 3, interval: 60 * SECOND, from: 0, empty: false, sprinkle };
        let mut drafts = Vec::new();
        (0..20_000).for_each(|k| generator.slot(k, &mut drafts));
        drafts.into_iter().map(|draft| generator.event(draft)).collect()
    }

    #[test]
    fn a_session_ends_with_a_marker_one_tick_after_its_last_sample() {
        let samples = samples(Sprinkle::default());
        let markers: Vec<usize> = (0..samples.len()).filter(|at| samples[*at].is_no_data()).collect();
        assert!(markers.len() > 10);
        for at in markers {
            assert_eq!(samples[at].ticks, samples[at - 1].ticks + 1);
            assert_eq!(samples[at].value, Value::Null);
            assert!(samples.get(at + 1).is_none_or(|next| next.ticks > samples[at].ticks + 60 * SECOND));
        }
    }

    #[test]
    fn instants_rise_and_every_quality_occurs() {
        let samples = samples(Sprinkle::default());
        assert!(samples.windows(2).all(|pair| pair[0].ticks < pair[1].ticks));
        assert!(samples.iter().any(Sample::is_uncertain) && samples.iter().any(|it| it.quality == 193));
        assert!(samples.iter().any(|it| !it.is_good() && !it.is_uncertain() && !it.is_no_data()));
        let close = |pair: &[Sample]| pair[0].micros() == pair[1].micros();
        assert!(samples.windows(3).any(|three| close(&three[..2]) && close(&three[1..])));
    }

    #[test]
    fn without_sprinkle_there_is_one_good_sample_per_interval() {
        let samples = samples(Sprinkle::none());
        assert_eq!(samples.len(), 20_000);
        assert!(samples.iter().all(|it| it.quality == GOOD && it.value != Value::Null));
    }
}
