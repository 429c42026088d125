//! What a server may send, as functions of bytes: each reads its input as the plugin does and asserts what must hold of
//! whatever comes out. The fuzzer of `tests/fuzz` calls them with inputs of its own, the tests below with every input
//! that it kept.

mod words;

use crate::{
    frames, listing, read,
    server::Server,
    settings::{Ingestion, Performance, Settings, Source},
};

/// An answer to a batch of recorded values.
pub fn answers(data: &[u8]) {
    read::fuzzing::answers(data);
}

/// A page of a listing: points, databases, elements, attributes.
pub fn listings(data: &[u8]) {
    listing::fuzzing::listings(data);
}

/// A page of event frames, and the values of their attributes.
pub fn event_frames(data: &[u8]) {
    frames::fuzzing::event_frames(data);
}

/// Times, WebIds, paths, error texts and single values.
pub fn words(data: &[u8]) {
    words::words(data);
}

/// A server that is never asked.
pub(crate) fn server() -> Server {
    let source = Source { url: "https://h/piwebapi".to_owned(), data_server: None };
    Server::new(&Settings { source, ingestion: Ingestion::default(), performance: Performance::default() })
}

/// A body that ends early; `None` where what is cut off says nothing.
pub(crate) fn cut(body: &[u8], at: [u8; 2]) -> Option<&[u8]> {
    let whole = body.trim_ascii_end().len();
    body.get(..place(whole, at))
}

/// A body with one byte changed.
pub(crate) fn changed(body: &[u8], at: [u8; 2], mask: u8) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

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
    fn every_kept_answer_to_a_batch_is_read_soundly() {
        replay("pi_answers", super::answers);
    }

    #[test]
    fn every_kept_listing_is_read_soundly() {
        replay("pi_listings", super::listings);
    }

    #[test]
    fn every_kept_page_of_event_frames_is_read_soundly() {
        replay("pi_event_frames", super::event_frames);
    }

    #[test]
    fn every_kept_word_is_read_soundly() {
        replay("pi_words", super::words);
    }
}
