//! `cargo xtask dist`: what is handed to users, in `target/dist/`: the programs, and beside them every shipped plugin as a
//! signed bundle, the key to verify them by, and the lock that vouches for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::remap;
use crate::workspace::{LOCK, Profile, Workspace, copy, succeed};

/// Names a private key of cosign, `PREFIX.key`, with `PREFIX.pub` beside it.
const KEY: &str = "TIDEGATE_SIGNING_KEY";
/// The password of the private key, as cosign has it.
const PASSWORD: &str = "COSIGN_PASSWORD";
/// What the lock calls whoever signs.
const SIGNER: &str = "tidegate";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_programs_native(Profile::Release)?;
    let dist = workspace.output("dist");
    for name in ["tidegate", "tidegate-sim"] {
        copy(&workspace.program(name, Profile::Release), &dist.join(name))?;
    }
    // Written anew, so that it holds what is shipped and nothing else.
    let lock = dist.join(LOCK);
    if lock.exists() {
        std::fs::remove_file(&lock).with_context(|| format!("cannot remove {}", lock.display()))?;
    }
    let key = key(workspace)?;
    let public = dist.join("tidegate.pub");
    copy(&key.with_extension("pub"), &public)?;
    let tidegate = || workspace.tidegate(&dist, Profile::Release);
    let mut bundles = Vec::new();
    for (name, component) in workspace.build_components()? {
        remap::check(workspace, &component)?;
        let bundle = dist.join(format!("{name}.tidegate"));
        succeed(tidegate().args(["plugin", "pack", "-o"]).arg(&bundle).arg(component))?;
        let mut sign = tidegate();
        sign.args(["plugin", "sign", "--key"]).arg(&key).arg(&bundle);
        succeed(password(&mut sign))?;
        let mut approve = tidegate();
        approve.args(["plugin", "approve", "--signer", SIGNER, "--key"]).arg(&public).arg(&bundle);
        succeed(&mut approve)?;
        bundles.push(bundle);
    }
    // Prints the digests: whoever builds the same commit compares them.
    for bundle in bundles {
        succeed(tidegate().args(["plugin", "verify", "--key"]).arg(&public).arg(&bundle))?;
    }
    println!("{}", dist.display());
    Ok(())
}

/// The private key that bundles are signed with: the one that is named, or one that is made once for this checkout.
fn key(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(KEY) {
        let key = PathBuf::from(named);
        for path in [key.clone(), key.with_extension("pub")] {
            ensure!(path.is_file(), "{KEY}: {} is not there", path.display());
        }
        return Ok(key);
    }
    let prefix = workspace.output("signing").join("tidegate");
    let key = prefix.with_extension("key");
    if !key.is_file() {
        let folder = prefix.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut generate = workspace.tidegate(folder, Profile::Release);
        generate.args(["plugin", "generate-key", "--output-prefix"]).arg(&prefix);
        succeed(password(&mut generate))?;
    }
    Ok(key)
}

/// Has an empty password where none is set: a key that was made here protects nothing.
fn password(command: &mut std::process::Command) -> &mut std::process::Command {
    if std::env::var_os(PASSWORD).is_none() {
        command.env(PASSWORD, "");
    }
    command
}
