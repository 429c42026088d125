//! `cargo xtask dist`: what is handed to users, in `target/dist/`.

use anyhow::Result;

use crate::workspace::{PLUGINS, Profile, Workspace, copy};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins()?;
    workspace.build_programs_native(Profile::Release)?;
    let dist = workspace.output("dist");
    for name in ["tidegate", "tidegate-sim"] {
        copy(&workspace.program(name, Profile::Release), &dist.join(name))?;
    }
    for plugin in PLUGINS {
        copy(&workspace.bundle(plugin), &dist.join(format!("{plugin}.tidegate")))?;
    }
    println!("{}", dist.display());
    Ok(())
}
