//! `tidegate init`: a first configuration to fill in, as the plugin itself offers it.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::load;
use crate::bundle;
use crate::config::form::MEMORY_LIMIT;
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Args)]
pub(super) struct Arguments {
    /// Which historian: NAME of a plugin NAME.tidegate, by default the first beside the tidegate program
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Where the file is written; made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// Writes `DIR/tidegate.yaml`.
pub(super) async fn run(arguments: &Arguments) -> Result<Exit> {
    let reference = match &arguments.plugin {
        Some(name) => format!("{name}.tidegate"),
        None => bundle::shipped().into_iter().next().ok_or_else(|| {
            Failure::usage("init: no plugin lies beside the tidegate program; name one: --plugin NAME")
        })?,
    };
    let plugin = load::plugin(&reference, Path::new("."), "tidegate.yaml", MEMORY_LIMIT).await?;
    let description = plugin.description();
    if description.starter.is_empty() {
        return Err(Failure::usage(format!(
            "init: the plugin `{}` offers no first configuration; see `tidegate spec` for the keys",
            description.name
        ))
        .into());
    }
    write(&arguments.folder, &description.starter)?;
    let path = arguments.folder.join("tidegate.yaml");
    let (path, name) = (path.display(), &description.name);
    output::line(&format!("wrote {path} for {name}; fill it in, then: tidegate validate, tidegate check"))?;
    Ok(Exit::Done)
}

fn write(folder: &Path, text: &str) -> Result<(), Failure> {
    let path = folder.join("tidegate.yaml");
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::usage(format!(
            "init: {} exists and is not overwritten; name another folder: tidegate init DIR",
            path.display()
        )),
        _ => Failure::failed(format!("init: cannot write {}: {error}", path.display())),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("plant-a");
        write(&target, "first").unwrap();
        let failure = write(&target, "second").unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(std::fs::read_to_string(target.join("tidegate.yaml")).unwrap(), "first");
    }
}
