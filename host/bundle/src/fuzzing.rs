//! What must hold of all bytes that are given for a bundle.

use crate::bundle::Bundle;

/// Bytes of a file: refused with words, or a bundle whose archive is those bytes and no others.
///
/// # Panics
/// When that does not hold.
pub fn bundles(data: &[u8]) {
    match Bundle::read(data) {
        Ok(bundle) => {
            assert!(bundle.to_bytes().is_ok_and(|bytes| bytes == data), "an archive is read that would not be written");
            let _ = (bundle.manifest(), bundle.claimed_name(), bundle.signature_count());
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal without words"),
    }
}
