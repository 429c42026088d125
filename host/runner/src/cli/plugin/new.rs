//! `tidegate plugin new`: a plugin to start from, which builds, packs and runs as it is.

mod skeleton;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// Of the plugin: also the prefix of its tables (a-z, 0-9, _; a letter first)
    #[arg(value_name = "NAME")]
    name: String,
    /// Where the folder NAME is made
    #[arg(value_name = "DIR", default_value = ".")]
    parent: PathBuf,
}

/// Writes `DIR/NAME`.
pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let name = arguments.name.as_str();
    if !is_name(name) {
        return Err(Failure::usage(format!(
            "plugin new: `{name}` is no name of a plugin (a-z, 0-9, _; a letter first; 32 at most)"
        ))
        .into());
    }
    let folder = arguments.parent.join(name);
    let files = skeleton::files(name)?;
    create(&folder)?;
    for (path, text) in files {
        write(&folder.join(path), &text)?;
    }
    let folder = folder.display();
    output::line(&format!("wrote {folder}; README.md there says how to build, pack and run it"))?;
    Ok(Exit::Done)
}

/// A name that is a table prefix, a crate and a file alike.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 32 && name.chars().all(plain)
}

fn create(folder: &Path) -> Result<(), Failure> {
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(|error| cannot(parent, &error))?;
    }
    std::fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "plugin new: {} exists and is not overwritten; name another folder: tidegate plugin new NAME DIR",
            folder.display()
        )),
        _ => cannot(folder, &error),
    })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    std::fs::write(path, text).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("plugin new: cannot write {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, parent: &Path) -> Result<Exit> {
        run(&Arguments { name: name.to_owned(), parent: parent.to_path_buf() })
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("acme")).unwrap();
        let error = new("acme", folder.path()).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(std::fs::read_dir(folder.path().join("acme")).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_could_not_be_a_table_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "Acme", "9a", "a-b", "../a", "a/b", "ä", &"a".repeat(33)] {
            let error = new(name, folder.path()).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
