//! What a server may send, as functions of bytes: each reads its input as the plugin does and asserts what must hold of
//! whatever comes out. The fuzzer of `tests/fuzz` calls them with inputs of its own, the tests below with every input
//! that it kept.

mod words;

use tidegate_sdk::plan::Performance;

use crate::{
    frames, listing, read,
    server::Server,
    settings::{Ingestion, Settings, Source},
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, run: fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
        tidegate_sdk::testing::replay(&fuzz, target, run);
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
