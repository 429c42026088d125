//! What a server may send, as functions of bytes: each reads its input as the plugin does and asserts what must hold of
//! whatever comes out. The fuzzer of `tests/fuzz` calls them with inputs of its own, the tests below with every input
//! that it kept.

use crate::{events, read};

/// A byte that says what is answered, samples or events, and the answer to it.
pub fn answers(data: &[u8]) {
    match data.split_first() {
        Some((0, data)) => events::fuzzing::events(data),
        Some((tags, data)) => read::fuzzing::samples(*tags, data),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_kept_answer_is_read_soundly() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
        tidegate_sdk::testing::replay(&fuzz, "canary_answers", super::answers);
    }
}
