//! What a build needs beside cargo: installed where that is possible, named where it is not.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

const TARGET: &str = "wasm32-wasip2";

/// Checks for the WebAssembly target and a C compiler.
pub(crate) fn check() -> Result<()> {
    if !has_target()? {
        eprintln!("xtask: installing the Rust target {TARGET}");
        let status = Command::new("rustup").args(["target", "add", TARGET]).status();
        if !status.context("rustup is not here: install the target {TARGET} for your toolchain")?.success() {
            bail!("`rustup target add {TARGET}` failed: plugins cannot be built without it");
        }
    }
    if ["cc", "gcc", "clang"].iter().all(|compiler| !runs(compiler)) {
        bail!("no C compiler found (zstd and TLS need one): install gcc or clang, on Debian `apt-get install gcc`");
    }
    Ok(())
}

fn has_target() -> Result<bool> {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
    let output = output.context("rustc is not here: install Rust from https://rustup.rs")?;
    let folder = String::from_utf8(output.stdout)?;
    Ok(std::path::Path::new(folder.trim()).is_dir())
}

fn runs(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
