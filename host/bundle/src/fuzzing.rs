//! What must hold of all bytes that are given for a bundle.

use crate::archive::{self, BLOBS, INDEX, LAYOUT};
use crate::bundle::Bundle;
use crate::digest::Digest;

/// Between the files of a layout.
const BETWEEN: u8 = 0xff;

/// Bytes of a file, and the same bytes as the files of a layout whose digests and sizes fit: refused with words, or a
/// bundle whose archive is what was read and nothing else.
///
/// # Panics
/// When that does not hold.
pub fn bundles(data: &[u8]) {
    judge(data);
    if let Some(archive) = layout(data) {
        judge(&archive);
    }
}

fn judge(bytes: &[u8]) {
    match Bundle::read(bytes) {
        Ok(bundle) => {
            assert!(
                bundle.to_bytes().is_ok_and(|again| again == bytes),
                "an archive is read that would not be written"
            );
            let _ = (bundle.manifest(), bundle.claimed_name(), bundle.signature_count());
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal without words"),
    }
}

/// An archive of `index.json` and blobs, which stand in `data` one behind the other. Nobody can guess a digest, so `@3` in
/// a file stands for that of the third, and `#3` for its size, where the third comes later.
fn layout(data: &[u8]) -> Option<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = data.split(|byte| *byte == BETWEEN).take(10).map(<[u8]>::to_vec).collect();
    for own in (0..files.len()).rev() {
        let mut text = String::from_utf8(files.get(own)?.clone()).ok()?;
        for (other, content) in files.iter().enumerate().skip(own + 1) {
            text = text.replace(&format!("@{other}"), &Digest::of(content).to_string());
            text = text.replace(&format!("#{other}"), &content.len().to_string());
        }
        *files.get_mut(own)? = text.into_bytes();
    }
    let (index, blobs) = files.split_first()?;
    let layout = br#"{"imageLayoutVersion":"1.0.0"}"#.as_slice();
    let first = [(LAYOUT.to_owned(), layout), (INDEX.to_owned(), index.as_slice())];
    let mut blobs: Vec<(String, &[u8])> =
        blobs.iter().map(|blob| (format!("{BLOBS}{}", Digest::of(blob).hex()), blob.as_slice())).collect();
    blobs.sort();
    blobs.dedup();
    archive::write(first.into_iter().chain(blobs)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_layout_whose_digests_fit_reaches_the_end() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/bundle_bytes/layout-signed");
        let archive = layout(&fs::read(kept).unwrap()).unwrap();
        let bundle = Bundle::read(&archive).unwrap();
        assert_eq!((bundle.claimed_name(), bundle.signature_count()), ("demo", 1));
        assert_eq!(bundle.manifest().unwrap().version, "0.1.0");
    }

    #[test]
    fn every_kept_file_is_refused_or_a_bundle_in_its_one_form() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz");
        let mut inputs = 0;
        for kept in ["corpus", "regressions"] {
            let Ok(files) = fs::read_dir(fuzz.join(kept).join("bundle_bytes")) else { continue };
            for file in files {
                let file = file.unwrap().path();
                let data = fs::read(&file).unwrap();
                let ended = std::panic::catch_unwind(|| bundles(&data));
                assert!(ended.is_ok(), "bundle_bytes fails on {}", file.display());
                inputs += 1;
            }
        }
        assert!(inputs > 10, "the corpus of bundle_bytes is gone");
    }
}
