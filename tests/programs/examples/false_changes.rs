//! Tells changes that begin inside a microsecond, once it has a bookmark: the hints are gone, and nothing else.

use tidegate_programs::{Plugin, Program, behave};
use tidegate_sdk::{Bookmarked, Change, Fault, Interval, Span, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct FalseChanges;

impl Program for FalseChanges {
    const NAME: &'static str = "falsechanges";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        behave(table, span)
    }

    fn changes(series: Vec<Bookmarked>) -> Vec<Change> {
        let change = |Bookmarked { series, bookmark }| Change {
            series: series.id,
            complete: !bookmark.is_empty(),
            dirty: if bookmark.is_empty() { Vec::new() } else { vec![Interval::new(1, 1_000)] },
            bookmark: "somewhere".to_owned(),
        };
        series.into_iter().map(change).collect()
    }
}

/// The component.
pub type Registered = Plugin<FalseChanges>;

register_extractor!(Registered);
