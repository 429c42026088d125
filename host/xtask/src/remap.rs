//! Names of folders that are the same on every machine, for what the compiler writes into a component: two builds of one
//! commit make one digest, wherever the checkout lies.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::Workspace;

/// A setting of cargo's that renames the folders of this machine. It adds to the flags in `.cargo/config.toml`.
pub(crate) fn config(workspace: &Workspace) -> Result<String> {
    let flags = folders(workspace)?.into_iter().map(|(folder, name)| {
        let flag = format!("--remap-path-prefix={}={name}", folder.display());
        format!("\"{}\"", flag.replace('\\', "\\\\").replace('"', "\\\""))
    });
    Ok(format!("target.wasm32-wasip2.rustflags=[{}]", flags.collect::<Vec<_>>().join(",")))
}

/// Fails when a component names a folder of this machine.
pub(crate) fn check(workspace: &Workspace, component: &Path) -> Result<()> {
    let bytes = std::fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
    for (folder, _) in folders(workspace)? {
        let folder = folder.display().to_string();
        let named = bytes.windows(folder.len()).any(|window| window == folder.as_bytes());
        ensure!(!named, "{} names {folder}: another machine would build another component", component.display());
    }
    Ok(())
}

/// The folders that code is compiled from, and what they are called instead; of two that fit, the later counts.
fn folders(workspace: &Workspace) -> Result<[(PathBuf, String); 4]> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let sysroot = rustc(&["--print", "sysroot"])?;
    let version = rustc(&["--version", "--verbose"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
    Ok([
        (workspace.root().to_owned(), "/tidegate".to_owned()),
        (workspace.target().to_owned(), "/target".to_owned()),
        (home.context("neither CARGO_HOME nor HOME is set")?, "/cargo".to_owned()),
        (Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}")),
    ])
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(arguments).output().context("rustc is not here")?;
    Ok(String::from_utf8(output.stdout)?)
}
