//! `tidegate init`: a first configuration to fill in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::exit::{Exit, Failure};
use crate::output;

/// The template of each historian that has a plugin.
const PI: &str = include_str!("init/pi.yaml");

#[derive(Args)]
pub(super) struct Arguments {
    /// Which historian
    #[arg(long, value_enum, default_value_t = Historian::Pi)]
    plugin: Historian,
    /// Where the file is written; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Historian {
    Pi,
    Canary,
}

/// Writes `DIR/tidegate.yaml`.
pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    if arguments.plugin == Historian::Canary {
        return Err(
            Failure::usage("init: the canary plugin is not shipped yet with this version; use --plugin pi").into()
        );
    }
    let path = arguments.folder.join("tidegate.yaml");
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "init: {} exists and is not overwritten; name another folder: tidegate init DIR",
            path.display()
        )),
        _ => Failure::failed(format!("init: cannot write {}: {error}", path.display())),
    };
    std::fs::create_dir_all(&arguments.folder).map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(PI.as_bytes()).map_err(failed)?;
    output::line(&format!("wrote {}; fill it in, then: tidegate validate, tidegate check", path.display()))?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Document;

    fn arguments(plugin: Historian, folder: &std::path::Path) -> Arguments {
        Arguments { plugin, folder: folder.to_path_buf() }
    }

    #[test]
    fn the_written_file_is_valid_once_its_variables_are_set() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("plant-a");
        assert_eq!(run(&arguments(Historian::Pi, &target)).unwrap(), Exit::Done);
        let overrides = ["auth.username=u".to_owned(), "auth.password=initpass".to_owned()];
        let document = Document::read(&target.join("tidegate.yaml"), &overrides).unwrap();
        let config = document.check(None).unwrap();
        assert_eq!(config.plugin, "pi.tidegate");
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tidegate.yaml");
        std::fs::write(&path, "mine").unwrap();
        let error = run(&arguments(Historian::Pi, folder.path())).unwrap_err();
        assert_eq!(Exit::of(&error), Exit::Usage);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_historian_without_a_plugin_is_a_clear_error_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(&arguments(Historian::Canary, folder.path())).unwrap_err();
        assert!(error.to_string().contains("not shipped yet"), "{error}");
        assert!(!folder.path().join("tidegate.yaml").exists());
    }
}
