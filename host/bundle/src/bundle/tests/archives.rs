//! Ways of breaking the archive around a bundle.

use tar::{Builder, EntryType, Header};

use super::{bundle, refused};
use crate::archive;

const BLOCK: usize = 512;

/// The entries of a whole bundle.
fn entries() -> Vec<(String, Vec<u8>)> {
    let bytes = bundle().to_bytes().unwrap();
    let files = archive::read(&bytes).unwrap();
    files.into_iter().map(|(name, content)| (name, content.to_vec())).collect()
}

/// A whole bundle with one more entry in front, whose header `change` writes.
fn with_entry(content: &[u8], change: impl Fn(&mut Header)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    change(&mut header);
    header.set_cksum();
    builder.append(&header, content).unwrap();
    for (name, content) in entries() {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes a path into a header as it is, which the library would refuse to do.
fn path(header: &mut Header, path: &str) {
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
}

#[test]
fn nothing_at_all() {
    refused(b"", "empty");
    refused(&[0; 2 * BLOCK], "holds no `oci-layout`");
}

#[test]
fn something_else() {
    refused(b"hello", "it is no tar");
    refused(&[b'x'; 4 * BLOCK], "it is no tar");
}

#[test]
fn cut_short_at_every_block_and_in_every_block() {
    let whole = bundle().to_bytes().unwrap();
    for blocks in 1..whole.len() / BLOCK {
        refused(&whole[..blocks * BLOCK], "");
        refused(&whole[..blocks * BLOCK + 100], "cut short");
    }
    refused(&whole[..whole.len() - BLOCK], "the mark of its end is missing");
    refused(&whole[..whole.len() - 2 * BLOCK], "the mark of its end is missing");
}

#[test]
fn garbage_behind_the_end() {
    let mut bytes = bundle().to_bytes().unwrap();
    bytes.extend([0; BLOCK]);
    refused(&bytes, "goes on behind its end");
    let whole = bundle().to_bytes().unwrap();
    refused(&[whole.as_slice(), &whole].concat(), "goes on behind its end");
    let mut bytes = whole;
    *bytes.last_mut().unwrap() = 1;
    refused(&bytes, "goes on behind its end");
}

#[test]
fn a_compressed_archive() {
    refused(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0], "compressed with gzip");
}

#[test]
fn paths_that_lead_elsewhere() {
    for (name, words) in [
        ("../oci-layout", "points outside"),
        ("blobs/sha256/../../x", "points outside"),
        ("/etc/passwd", "points outside"),
        ("./oci-layout", "belongs to no bundle"),
        ("blobs/sha256/0", "belongs to no bundle"),
        ("blobs\\sha256\\x", "belongs to no bundle"),
        ("plugins.lock", "belongs to no bundle"),
        ("", "belongs to no bundle"),
    ] {
        refused(&with_entry(b"x", |header| path(header, name)), words);
    }
    let upper = format!("blobs/sha256/{}", "A".repeat(64));
    refused(&with_entry(b"x", |header| path(header, &upper)), "belongs to no bundle");
}

#[test]
fn entries_that_are_no_files() {
    for (kind, words) in [
        (EntryType::Symlink, "a link"),
        (EntryType::Link, "a link"),
        (EntryType::Directory, "a folder"),
        (EntryType::GNULongName, "kept apart from its file"),
        (EntryType::GNULongLink, "kept apart from its file"),
        (EntryType::XHeader, "an extended header"),
        (EntryType::XGlobalHeader, "an extended header"),
        (EntryType::GNUSparse, "a file with holes"),
        (EntryType::Char, "no regular file"),
        (EntryType::Fifo, "no regular file"),
    ] {
        let bytes = with_entry(b"", |header| {
            path(header, "oci-layout");
            header.set_entry_type(kind);
        });
        refused(&bytes, words);
    }
}

#[test]
fn sizes_that_lie() {
    for size in [1 << 20, 1 << 40, u64::MAX / 2] {
        let bytes = with_entry(b"", |header| {
            path(header, "oci-layout");
            header.set_size(size);
        });
        refused(&bytes, "lies about sizes");
    }
}

#[test]
fn a_file_that_stands_there_twice() {
    let layout = entries().into_iter().find(|(name, _)| name == "oci-layout").unwrap();
    refused(&with_entry(&layout.1, |header| path(header, "oci-layout")), "holds `oci-layout` twice");
}

#[test]
fn more_files_than_any_bundle_has() {
    let names = (0..100).map(|index| format!("blobs/sha256/{index:064x}"));
    refused(&archive::write(names.map(|name| (name, b"".as_slice()))).unwrap(), "more than 64 files");
}

#[test]
fn a_damaged_header() {
    let mut bytes = bundle().to_bytes().unwrap();
    bytes[0] ^= 1;
    refused(&bytes, "checksum");
}

#[test]
fn the_same_files_packed_otherwise() {
    let mut other = Builder::new(Vec::new());
    for (name, content) in entries() {
        let mut header = Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1);
        other.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    refused(&other.into_inner().unwrap(), "packed in another form");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let whole = bundle().to_bytes().unwrap();
    for index in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[index] ^= 1 << (index % 8);
        refused(&bytes, "");
    }
}

#[test]
fn larger_than_any_bundle() {
    refused(&vec![0; crate::LARGEST_BUNDLE as usize + BLOCK], "larger than 67108864 bytes");
}
