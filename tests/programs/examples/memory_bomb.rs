//! Takes memory, and writes to it so that it is really taken, until it gets no more.

use tidegate_programs::{Plugin, Program};
use tidegate_sdk::{Fault, Span, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct MemoryBomb;

impl Program for MemoryBomb {
    const NAME: &'static str = "memorybomb";

    async fn misbehave(_table: &str, _span: &Span) -> Result<(), Fault> {
        const PIECE: usize = 16 * 1024 * 1024;
        let mut taken = Vec::new();
        loop {
            taken.push(std::hint::black_box(vec![1_u8; PIECE]));
        }
    }
}

/// The component.
pub type Registered = Plugin<MemoryBomb>;

register_extractor!(Registered);
