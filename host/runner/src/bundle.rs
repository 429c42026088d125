//! Finds the plugin that a configuration names.
//!
//! A `.tidegate` file holds the component itself; signatures and registries come with signed bundles. Nothing here looks
//! into the bytes: that is the sandbox's work.

use std::path::{Path, PathBuf};

use tidegate_sandbox::{Engine, Error, Limits, Plugin};

use crate::exit::Failure;

/// The bytes of a plugin, and where they came from.
pub struct Bundle {
    /// For messages: the file's name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// A WebAssembly component, as far as anybody knows yet.
    pub bytes: Vec<u8>,
}

/// Reads the bundle that `reference` names: a path relative to `folder`, or a file beside the program.
///
/// # Errors
/// No such file (says where it looked), one that cannot be read, or a reference to a registry.
pub fn read(reference: &str, folder: &Path) -> Result<Bundle, Failure> {
    read_beside(reference, folder, program_folder().as_deref())
}

/// The file names of the bundles beside the program, in their order.
#[must_use]
pub fn shipped() -> Vec<String> {
    let Some(folder) = program_folder() else { return Vec::new() };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".tidegate")).collect();
    names.sort();
    names
}

fn program_folder() -> Option<PathBuf> {
    std::env::current_exe().ok()?.parent().map(Path::to_path_buf)
}

/// Where compiled plugins are kept between runs: below `$XDG_CACHE_HOME`, else below `~/.cache`.
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
    match Engine::new(cache_folder().as_deref()) {
        Err(error @ Error::Cache { .. }) => {
            tracing::warn!("{error}; going on without it");
            Engine::new(None)
        }
        engine => engine,
    }
    .map_err(|error| Failure::failed(error.to_string()))
}

impl Bundle {
    /// Compiles the plugin and asks it what it is. It makes no request.
    ///
    /// # Errors
    /// The file is no plugin of this world, or does not survive being asked.
    pub async fn load(&self, engine: &Engine, limits: Limits) -> Result<Plugin, Failure> {
        let loaded = Plugin::load(engine, &self.name, &self.bytes, limits).await;
        loaded.map_err(|error| Failure::usage(format!("{}: {error}", self.path.display())))
    }
}

fn read_beside(reference: &str, folder: &Path, program: Option<&Path>) -> Result<Bundle, Failure> {
    if reference.starts_with("oci://") {
        return Err(Failure::usage(format!(
            "{reference}: registries come with signed bundles and are not available yet in this version; name a file"
        )));
    }
    let places: Vec<PathBuf> = std::iter::once(folder).chain(program).map(|place| place.join(reference)).collect();
    let Some(path) = places.iter().find(|path| path.exists()) else {
        let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::usage(format!("{reference}: no such file; looked for {}", places.join(" and "))));
    };
    let cannot = |error: std::io::Error| Failure::usage(format!("{}: cannot be read: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(cannot)?;
    let name = path.file_name().map_or_else(|| reference.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Bundle { name, path: path.clone(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_the_configuration_comes_before_that_of_the_program() {
        let (config, program) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(program.path().join("pi.tidegate"), "program").unwrap();
        let found = read_beside("pi.tidegate", config.path(), Some(program.path())).unwrap();
        assert_eq!(found.bytes, b"program");
        std::fs::write(config.path().join("pi.tidegate"), "config").unwrap();
        let found = read_beside("pi.tidegate", config.path(), Some(program.path())).unwrap();
        assert_eq!((found.bytes.as_slice(), found.name.as_str()), (b"config".as_slice(), "pi.tidegate"));
    }

    #[test]
    fn a_missing_bundle_says_where_it_was_looked_for() {
        let failure = read_beside("x.tidegate", Path::new("/a"), Some(Path::new("/b"))).err().unwrap();
        assert_eq!(failure.message, "x.tidegate: no such file; looked for /a/x.tidegate and /b/x.tidegate");
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
    }

    #[test]
    fn a_folder_or_a_registry_is_a_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let failure = read_beside(".", folder.path(), None).err().unwrap();
        assert!(failure.message.contains("cannot be read"), "{failure}");
        let failure = read_beside("oci://r/p@sha256:0", folder.path(), None).err().unwrap();
        assert!(failure.message.contains("signed bundles"), "{failure}");
    }
}
