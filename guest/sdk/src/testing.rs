//! For the tests of plugins: answers cut short or changed, a kept corpus read again, numbers that look like chance.

use std::{fs, panic, path::Path};

/// A repeatable stream of numbers that look like chance.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number from 0 up to `below`, which is left out and must be more than 0.
    #[must_use]
    pub fn roll(&mut self, below: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or(0) % below.max(1)
    }
}

/// A body that ends early; `None` where what is cut off says nothing.
#[must_use]
pub fn cut(body: &[u8], at: [u8; 2]) -> Option<&[u8]> {
    let whole = body.trim_ascii_end().len();
    body.get(..place(whole, at))
}

/// A body with one byte changed.
#[must_use]
pub fn changed(body: &[u8], at: [u8; 2], mask: u8) -> Vec<u8> {
    let mut changed = body.to_vec();
    if let Some(byte) = changed.get_mut(place(body.len(), at)) {
        *byte ^= mask;
    }
    changed
}

/// A place in `length` bytes, before the last.
fn place(length: usize, at: [u8; 2]) -> usize {
    (length * usize::from(u16::from_be_bytes(at))) >> 16
}

/// Replays what the fuzzer kept for `target` below `fuzz`, its folder, and what once broke it.
///
/// # Panics
/// When an input breaks what `run` asserts, or when there are too few inputs to speak of.
pub fn replay(fuzz: &Path, target: &str, run: fn(&[u8])) {
    let mut inputs = 0;
    for kept in ["corpus", "regressions"] {
        let Ok(files) = fs::read_dir(fuzz.join(kept).join(target)) else { continue };
        for file in files.filter_map(Result::ok).map(|file| file.path()) {
            let Ok(data) = fs::read(&file) else { continue };
            let ended = panic::catch_unwind(|| run(&data));
            assert!(ended.is_ok(), "{target} fails on {}", file.display());
            inputs += 1;
        }
    }
    assert!(inputs > 10, "the corpus of {target} is gone");
}
