//! Writes a hundred thousand long lines to the log, and then reads as it should.

use tidegate_programs::{Plugin, Program, behave};
use tidegate_sdk::{Fault, Span, host, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct LogFlood;

impl Program for LogFlood {
    const NAME: &'static str = "logflood";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let line = "flood ".repeat(1_000);
        for _ in 0..100_000 {
            host::log(host::Level::Error, &line);
        }
        behave(table, span)
    }
}

/// The component.
pub type Registered = Plugin<LogFlood>;

register_extractor!(Registered);
