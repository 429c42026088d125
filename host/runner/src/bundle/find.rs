//! Finds what a configuration or a command names, and reads it as far as can be done without believing it.

use std::path::{Path, PathBuf};

use tidegate_bundle::{Bundle, Digest, Error, LARGEST_BUNDLE, Locks, Reference, Registry, Transport};

use super::{Approval, cache_folder, program_folder};
use crate::exit::Failure;

/// Starts every WebAssembly file, and no bundle.
const WASM: &[u8] = b"\0asm";

/// Something that was found under a name. Whether it may run is not known yet.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where it was found, for messages and for the command line: a path, or a name in a registry.
    pub shown: String,
    /// The same as a lock writes it.
    pub source: String,
    /// What it is.
    pub content: Content,
    /// By what it is known: the digest of the bundle, or of the component's file.
    pub digest: Digest,
    /// Whether it comes from the cache of what a registry had earlier.
    pub kept: bool,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Content {
    /// A bundle that fits together.
    Bundle(Bundle),
    /// A component without a bundle around it.
    Component(Vec<u8>),
}

impl Candidate {
    /// The bytes that would be compiled.
    #[must_use]
    pub fn component(&self) -> &[u8] {
        match &self.content {
            Content::Bundle(bundle) => bundle.component(),
            Content::Component(bytes) => bytes,
        }
    }

    /// The bundle, where it is one.
    #[must_use]
    pub fn bundle(&self) -> Option<&Bundle> {
        match &self.content {
            Content::Bundle(bundle) => Some(bundle),
            Content::Component(_) => None,
        }
    }

    /// Its bundle, of which a command has need.
    ///
    /// # Errors
    /// It is a bare component.
    pub fn need_bundle(&self) -> Result<&Bundle, Failure> {
        self.bundle().ok_or_else(|| {
            let shown = &self.shown;
            Failure::usage(format!("{shown} is a bare component; make a bundle of it: tidegate plugin pack {shown}"))
        })
    }
}

/// What a configuration in `folder` means by `plugin: reference`: a file beside it or beside the program, a name in the
/// locks, or a bundle of a registry by its digest.
///
/// # Errors
/// There is nothing of this name, it is broken, or it is a tag, which may be another bundle tomorrow.
pub async fn find(reference: &str, folder: &Path, locks: &Locks, approval: &Approval) -> Result<Candidate, Failure> {
    find_beside(reference, &[Some(folder), program_folder().as_deref()], locks, approval).await
}

async fn find_beside(
    reference: &str,
    folders: &[Option<&Path>; 2],
    locks: &Locks,
    approval: &Approval,
) -> Result<Candidate, Failure> {
    let named = |name: &str| !name.contains(['/', '\\', '.']);
    match locks.entry(reference).filter(|_| named(reference)) {
        Some((lock, entry)) => {
            let folder = lock.path().parent().unwrap_or(Path::new("."));
            // Never a name again, which could lead back to this entry.
            placed(&entry.source, &[Some(folder), None], approval).await
        }
        None => placed(reference, folders, approval).await,
    }
}

/// A pinned bundle of a registry, or a file in one of `folders`.
async fn placed(reference: &str, folders: &[Option<&Path>; 2], approval: &Approval) -> Result<Candidate, Failure> {
    if Reference::is_meant(reference) {
        let reference: Reference = reference.parse().map_err(failure)?;
        return match reference.digest() {
            Some(digest) => cached(&reference, digest).await,
            None => Err(Failure::refused(format!(
                "{reference} is refused: it is a tag, and may be another bundle tomorrow; approve what it is now, and name \
                 the plugin as plugins.lock does\nto allow it: {approval} {reference}"
            ))),
        };
    }
    let places: Vec<PathBuf> = folders.iter().flatten().map(|place| place.join(reference)).collect();
    match places.iter().find(|path| path.exists()) {
        Some(path) => read_file(path, folders.first().copied().flatten().unwrap_or(Path::new("."))),
        None => {
            let looked: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
            Err(Failure::usage(format!("{reference}: no such file; looked for {}", looked.join(" and "))))
        }
    }
}

/// What a command means by `reference`: as [`find`], but a file stands below the working folder first, and a tag is
/// resolved to what it stands for now.
///
/// # Errors
/// There is nothing of this name, it is broken, or the registry does not answer.
pub async fn open(
    reference: &str,
    folder: &Path,
    locks: &Locks,
    approval: &Approval,
    transport: Transport,
) -> Result<Candidate, Failure> {
    if Reference::is_meant(reference) {
        let reference: Reference = reference.parse().map_err(failure)?;
        return pull(&reference, transport).await;
    }
    let path = Path::new(reference);
    if path.is_file() { read_file(path, folder) } else { find(reference, folder, locks, approval).await }
}

/// Reads a file; `folder` is that of the lock which will name it.
///
/// # Errors
/// It cannot be read, or is no plugin at all.
pub fn read_file(path: &Path, folder: &Path) -> Result<Candidate, Failure> {
    let shown = path.display().to_string();
    let cannot = |error: std::io::Error| Failure::usage(format!("{shown}: cannot be read: {error}"));
    let size = std::fs::metadata(path).map_err(cannot)?.len();
    if size > LARGEST_BUNDLE {
        return Err(Failure::refused(format!("{shown}: it has {size} bytes; a bundle has {LARGEST_BUNDLE} at most")));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let (place, folder) = (absolute(path), absolute(folder));
    let source = place.strip_prefix(&folder).unwrap_or(&place).display().to_string();
    if bytes.starts_with(WASM) {
        let digest = Digest::of(&bytes);
        return Ok(Candidate { shown, source, content: Content::Component(bytes), digest, kept: false });
    }
    let bundle = Bundle::read(&bytes)
        .map_err(|error| Failure::refused(format!("{shown} is no bundle that can be trusted: {error}")))?;
    Ok(Candidate { shown, source, digest: bundle.digest().clone(), content: Content::Bundle(bundle), kept: false })
}

/// A pinned bundle from the cache, or from its registry.
async fn cached(reference: &Reference, digest: &Digest) -> Result<Candidate, Failure> {
    // What lies in the cache is read like any other file, and counts only if it is what was asked for.
    let kept = cache_place(digest).and_then(|path| read_file(&path, &path).ok());
    match kept.filter(|kept| kept.digest == *digest) {
        Some(kept) => {
            let name = reference.to_string();
            Ok(Candidate { shown: name.clone(), source: name, kept: true, ..kept })
        }
        None => pull(reference, Transport::Safe).await,
    }
}

/// The bundle that `kept` names, from its registry: it may have been signed since it was kept.
///
/// # Errors
/// The registry does not answer, or no longer holds it.
pub async fn pull_again(kept: &Candidate) -> Result<Candidate, Failure> {
    pull(&kept.source.parse().map_err(failure)?, Transport::Safe).await
}

fn cache_place(digest: &Digest) -> Option<PathBuf> {
    cache_folder().map(|folder| folder.join("bundles").join(format!("{}.tidegate", digest.hex())))
}

/// Pulls a bundle, and keeps it for the next run.
async fn pull(reference: &Reference, transport: Transport) -> Result<Candidate, Failure> {
    let registry = Registry::open(reference, transport).map_err(failure)?;
    let bundle = registry.pull(reference).await.map_err(failure)?;
    let digest = bundle.digest().clone();
    if let Some(place) = cache_place(&digest)
        && let Err(error) = keep(&place, &bundle)
    {
        tracing::warn!("{}: the bundle is not kept for the next run: {error}", place.display());
    }
    let pinned = reference.pinned(&digest).to_string();
    Ok(Candidate { shown: pinned.clone(), source: pinned, content: Content::Bundle(bundle), digest, kept: false })
}

/// Writes a bundle, whole or not at all: another run may be reading.
fn keep(place: &Path, bundle: &Bundle) -> anyhow::Result<()> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = place.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bundle.to_bytes()?)?;
    Ok(std::fs::rename(beside, place)?)
}

/// How an error of the bundle crate ends the program.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::Broken(_) => Failure::refused(error.to_string()),
        Error::Registry(_) => Failure::failed(error.to_string()),
        _ => Failure::usage(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    async fn found(reference: &str, folder: &Path, program: Option<&Path>) -> Result<Candidate, Failure> {
        let locks = Locks::read(folder, None).unwrap();
        find_beside(reference, &[Some(folder), program], &locks, &Approval::of("tidegate.yaml")).await
    }

    #[tokio::test]
    async fn the_folder_of_the_configuration_comes_before_that_of_the_program() {
        let (config, program) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(program.path().join("acme.wasm"), "\0asm program").unwrap();
        let one = found("acme.wasm", config.path(), Some(program.path())).await.unwrap();
        assert_eq!(one.component(), b"\0asm program");
        std::fs::write(config.path().join("acme.wasm"), "\0asm config").unwrap();
        let one = found("acme.wasm", config.path(), Some(program.path())).await.unwrap();
        assert_eq!((one.component(), one.source.as_str()), (b"\0asm config".as_slice(), "acme.wasm"));
        assert_eq!(one.digest, Digest::of(b"\0asm config"));
    }

    #[tokio::test]
    async fn a_missing_bundle_says_where_it_was_looked_for() {
        let failure = found("x.tidegate", Path::new("/a"), Some(Path::new("/b"))).await.unwrap_err();
        assert_eq!(failure.message, "x.tidegate: no such file; looked for /a/x.tidegate and /b/x.tidegate");
        assert_eq!(failure.exit, Exit::Usage);
    }

    #[tokio::test]
    async fn the_source_of_an_entry_is_a_file_and_never_a_name_again() {
        let folder = tempfile::tempdir().unwrap();
        let entry = |name: &str, source: &str| {
            let digest = Digest::of(b"");
            format!("[[plugin]]\nname = \"{name}\"\nversion = \"1\"\ndigest = \"{digest}\"\nsource = \"{source}\"\n")
        };
        let text = format!("version = 1\n{}{}{}", entry("a", "a"), entry("b", "c"), entry("c", "b"));
        std::fs::write(folder.path().join("plugins.lock"), text).unwrap();
        for (name, source) in [("a", "a"), ("b", "c"), ("c", "b")] {
            let failure = found(name, folder.path(), None).await.unwrap_err();
            let path = folder.path().join(source);
            assert_eq!(failure.message, format!("{source}: no such file; looked for {}", path.display()));
            assert_eq!(failure.exit, Exit::Usage);
        }
        std::fs::write(folder.path().join("b"), "\0asm b").unwrap();
        assert_eq!(found("c", folder.path(), None).await.unwrap().component(), b"\0asm b");
    }

    #[tokio::test]
    async fn a_folder_text_or_a_tag_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let failure = found(".", folder.path(), None).await.unwrap_err();
        assert!(failure.message.contains("cannot be read") && failure.exit == Exit::Usage, "{failure}");
        std::fs::write(folder.path().join("text.tidegate"), "hello").unwrap();
        let failure = found("text.tidegate", folder.path(), None).await.unwrap_err();
        assert!(failure.message.contains("no bundle that can be trusted: it is no tar"), "{failure}");
        assert_eq!(failure.exit, Exit::Refused);
        let failure = found("oci://r.example/p:latest", folder.path(), None).await.unwrap_err();
        assert!(
            failure.message.contains("may be another bundle tomorrow") && failure.exit == Exit::Refused,
            "{failure}"
        );
    }
}
