//! What a plugin may hand over, as functions of bytes: each takes its input the way that a running plugin's takes, and
//! asserts what must hold of whatever comes out. The fuzzer of `tests/fuzz` calls them with inputs of its own, the tests
//! below with every input that it kept.

mod batches;
mod covers;
mod schemas;
mod tables;

pub use self::batches::batches;
pub use self::covers::covers;
pub use self::schemas::schemas;
#[cfg(test)]
pub(crate) use self::tables::EVENTS;

/// An input, taken byte by byte. At its end there are only zeros.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Replays what the fuzzer kept for `target`, and what once broke it.
    fn replay(target: &str, run: fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
        let mut inputs = 0;
        for kept in ["corpus", "regressions"] {
            let Ok(files) = fs::read_dir(fuzz.join(kept).join(target)) else { continue };
            for file in files {
                let file = file.unwrap().path();
                let data = fs::read(&file).unwrap();
                let ended = std::panic::catch_unwind(|| run(&data));
                assert!(ended.is_ok(), "{target} fails on {}", file.display());
                inputs += 1;
            }
        }
        assert!(inputs > 10, "the corpus of {target} is gone");
    }

    #[test]
    fn every_kept_batch_is_refused_or_sound_down_to_the_lake() {
        replay("host_batches", super::batches);
    }

    #[test]
    fn every_kept_declaration_is_refused_or_a_table() {
        replay("host_schemas", super::schemas);
    }

    #[test]
    fn every_kept_configuration_is_valid_or_has_problems() {
        replay("host_config", crate::config::fuzzing::configurations);
    }

    #[test]
    fn every_kept_conversation_leaves_covers_without_a_hole() {
        replay("host_covers", super::covers);
    }
}
