//! From what a configuration names to a plugin that may run.
//!
//! [`find`] gets the bytes: a file, a name in `plugins.lock`, or a pinned bundle of a registry. [`vet`] asks the locks,
//! then reads the manifest, then has the component compiled, and compares what it says about itself with both. Nothing
//! that a lock does not vouch for gets to the compiler.

mod describe;
mod find;
mod vet;

use std::path::{Path, PathBuf};

use tidegate_bundle::{Lock, Locks};
use tidegate_sandbox::{Engine, Error};

use crate::exit::Failure;

pub use describe::{call_limits, describe};
pub(crate) use find::failure;
pub use find::{Candidate, Content, find, open, pull_again, read_file};
pub(crate) use vet::word;
pub use vet::{Approval, compile, manifest, vet};

/// The file names of the bundles beside the program, in the order of the lock beside it; those that it does not vouch for
/// come last, by name.
#[must_use]
pub fn shipped() -> Vec<String> {
    let Some(folder) = program_folder() else { return Vec::new() };
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".tidegate")).collect();
    names.sort();
    let lock = Lock::read(&folder).ok();
    let place = |name: &String| {
        let entries = lock.iter().flat_map(|lock| lock.entries());
        entries.enumerate().find(|(_, entry)| entry.source == *name).map_or(usize::MAX, |(place, _)| place)
    };
    names.sort_by_key(place);
    names
}

/// Where the program lies.
#[must_use]
pub fn program_folder() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_path_buf)
}

/// The locks that count for a configuration in `folder`.
///
/// # Errors
/// One of them cannot be used.
pub fn locks(folder: &Path) -> Result<Locks, Failure> {
    Locks::read(folder, program_folder().as_deref()).map_err(|error| Failure::usage(error.to_string()))
}

/// Where compiled plugins and pulled bundles are kept between runs, in folders of their own: below `$XDG_CACHE_HOME`, else
/// below `~/.cache`.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("tidegate"))
}

/// An engine that keeps compiled plugins in the [`cache_folder`], or compiles anew where that cannot be written.
///
/// # Errors
/// The engine does not start.
pub fn engine() -> Result<Engine, Failure> {
    // A folder that the engine has to itself: it removes what it does not know.
    match Engine::new(cache_folder().map(|folder| folder.join("compiled")).as_deref()) {
        Err(error @ Error::Cache { .. }) => {
            tracing::warn!("{error}; going on without it");
            Engine::new(None)
        }
        engine => engine,
    }
    .map_err(|error| Failure::failed(error.to_string()))
}
