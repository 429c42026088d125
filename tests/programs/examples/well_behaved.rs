//! Misbehaves in nothing: what the others are compared with.

use tidegate_programs::{Plugin, Program, behave};
use tidegate_sdk::{Fault, Span, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct WellBehaved;

impl Program for WellBehaved {
    const NAME: &'static str = "wellbehaved";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        behave(table, span)
    }
}

/// The component.
pub type Registered = Plugin<WellBehaved>;

register_extractor!(Registered);
