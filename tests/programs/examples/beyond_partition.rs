//! Claims an hour more than it was given to read.

use tidegate_programs::{Plugin, Program, hand_over};
use tidegate_sdk::{Fault, Interval, Span, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct BeyondPartition;

impl Program for BeyondPartition {
    const NAME: &'static str = "beyondpartition";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        const HOUR: i64 = 3_600_000_000_000;
        let beyond = Interval::new(span.interval.start, span.interval.end + HOUR);
        hand_over(table, &span.series, span.interval, beyond)
    }
}

/// The component.
pub type Registered = Plugin<BeyondPartition>;

register_extractor!(Registered);
