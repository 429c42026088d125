//! Emits and covers the first half of its interval, and traps: the half is proven, the rest is a gap.

use tidegate_programs::{Plugin, Program, hand_over};
use tidegate_sdk::{Fault, Interval, Span, floor_micros, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct TrapHalfWay;

impl Program for TrapHalfWay {
    const NAME: &'static str = "traphalfway";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let Interval { start, end } = span.interval;
        let middle = floor_micros(start + (end - start) / 2);
        let half = Interval::new(start, middle);
        hand_over(table, &span.series, half, half)?;
        std::process::abort()
    }
}

/// The component.
pub type Registered = Plugin<TrapHalfWay>;

register_extractor!(Registered);
