//! Never returns and never calls the host: only a deadline from outside ends it.

use tidegate_programs::{Plugin, Program};
use tidegate_sdk::{Fault, Span, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct EndlessLoop;

impl Program for EndlessLoop {
    const NAME: &'static str = "endlessloop";

    async fn misbehave(_table: &str, _span: &Span) -> Result<(), Fault> {
        let mut spins = 0_u64;
        loop {
            spins = std::hint::black_box(spins.wrapping_add(1));
        }
    }
}

/// The component.
pub type Registered = Plugin<EndlessLoop>;

register_extractor!(Registered);
