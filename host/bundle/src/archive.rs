//! The tar around an image layout, in and out. It is written in exactly one form (fixed order, times, owners), and read
//! with distrust: regular files of the expected names only, and not a byte that is not accounted for.

use std::collections::BTreeMap;

use tar::{Archive, Builder, Entry, EntryType, Header};

use crate::error::{Error, broken, printable};

/// A header, or a piece of a file.
const BLOCK: usize = 512;
/// More files than a component and its signatures can need.
const MOST_FILES: usize = 64;
/// Starts what `gzip` has compressed.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The files of an archive by name.
pub(crate) type Files<'a> = BTreeMap<String, &'a [u8]>;

/// Packs `files` in their order.
pub(crate) fn write<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> Result<Vec<u8>, Error> {
    let mut builder = Builder::new(Vec::new());
    let cannot = |error: std::io::Error| broken(format!("the archive cannot be written: {error}"));
    for (name, bytes) in files {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, &name, bytes).map_err(cannot)?;
    }
    builder.into_inner().map_err(cannot)
}

/// The files of an archive, each of an expected name; nothing of them is copied or unpacked.
pub(crate) fn read(bytes: &[u8]) -> Result<Files<'_>, Error> {
    if bytes.is_empty() {
        return Err(broken("the file is empty"));
    }
    if bytes.starts_with(GZIP) {
        return Err(broken("it is compressed with gzip; a bundle is a plain tar"));
    }
    if !bytes.len().is_multiple_of(BLOCK) {
        return Err(broken("it is no tar, or was cut short: its size is no multiple of 512 bytes"));
    }
    let mut archive = Archive::new(bytes);
    let unreadable = |error: std::io::Error| broken(format!("it is no tar, or was cut short: {error}"));
    let mut files = Files::new();
    let mut end = 0;
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let entry = entry.map_err(unreadable)?;
        let name = name(&entry)?;
        let content = content(&entry, &name, bytes)?;
        end = content.1;
        if files.insert(name.clone(), content.0).is_some() {
            return Err(broken(format!("it holds `{name}` twice")));
        }
        if files.len() > MOST_FILES {
            return Err(broken(format!("it holds more than {MOST_FILES} files")));
        }
    }
    let mark = bytes.get(end..).unwrap_or_default();
    if mark.len() < 2 * BLOCK {
        return Err(broken("it was cut short: the mark of its end is missing"));
    }
    if mark.len() > 2 * BLOCK || mark.iter().any(|byte| *byte != 0) {
        return Err(broken("it goes on behind its end"));
    }
    Ok(files)
}

/// The name of an entry that is a regular file where a bundle has one.
fn name<R: std::io::Read>(entry: &Entry<'_, R>) -> Result<String, Error> {
    let path = entry.path_bytes();
    let shown = printable(&String::from_utf8_lossy(&path));
    let kind = match entry.header().entry_type() {
        EntryType::Regular => None,
        EntryType::Symlink | EntryType::Link => Some("a link"),
        EntryType::Directory => Some("a folder"),
        EntryType::GNULongName | EntryType::GNULongLink => Some("a name that is kept apart from its file"),
        EntryType::XHeader | EntryType::XGlobalHeader => Some("an extended header"),
        EntryType::GNUSparse => Some("a file with holes"),
        _ => Some("no regular file"),
    };
    if let Some(kind) = kind {
        return Err(broken(format!("its entry `{shown}` is {kind}; a bundle holds regular files only")));
    }
    if path.starts_with(b"/") || path.split(|byte| *byte == b'/').any(|part| part == b"..") {
        return Err(broken(format!("its entry `{shown}` points outside of the bundle")));
    }
    let name = String::from_utf8_lossy(&path).into_owned();
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let blob = |name: &str| name.strip_prefix(BLOBS).is_some_and(|hex| hex.len() == 64 && hex.bytes().all(digit));
    if name == LAYOUT || name == INDEX || blob(&name) {
        Ok(name)
    } else {
        Err(broken(format!("its entry `{shown}` belongs to no bundle")))
    }
}

/// The bytes of an entry, and where the next one starts.
fn content<'a, R: std::io::Read>(
    entry: &Entry<'_, R>,
    name: &str,
    bytes: &'a [u8],
) -> Result<(&'a [u8], usize), Error> {
    let beyond = || broken(format!("it was cut short, or lies about sizes: `{name}` reaches beyond its end"));
    let start = usize::try_from(entry.raw_file_position()).map_err(|_| beyond())?;
    let size = usize::try_from(entry.size()).map_err(|_| beyond())?;
    let stop = start.checked_add(size).ok_or_else(beyond)?;
    let next = stop.checked_next_multiple_of(BLOCK).ok_or_else(beyond)?;
    if next > bytes.len() {
        return Err(beyond());
    }
    Ok((bytes.get(start..stop).ok_or_else(beyond)?, next))
}

/// The file that says what kind of layout it is.
pub(crate) const LAYOUT: &str = "oci-layout";
/// The file that lists the manifests.
pub(crate) const INDEX: &str = "index.json";
/// Where all other files lie, named by their digests.
pub(crate) const BLOBS: &str = "blobs/sha256/";
