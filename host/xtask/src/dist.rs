//! `cargo xtask dist`: what is handed to users, in `target/dist/`.

use anyhow::Result;

use crate::workspace::{Profile, Workspace, copy};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins()?;
    workspace.build_programs_native(Profile::Release)?;
    let dist = workspace.output("dist");
    for name in ["tidegate", "tidegate-sim"] {
        copy(&workspace.program(name, Profile::Release), &dist.join(name))?;
    }
    copy(&workspace.bundle(), &dist.join("pi.tidegate"))?;
    println!("{}", dist.display());
    Ok(())
}
