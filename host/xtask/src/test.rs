//! `cargo xtask test`: everything that proves something, with what it loads built first.

use anyhow::Result;

use crate::workspace::{Profile, Workspace, succeed};

pub(crate) fn run(workspace: &Workspace, filters: &[String]) -> Result<()> {
    workspace.build_plugins(Profile::Dev)?;
    workspace.build_programs()?;
    let mut nextest = workspace.cargo(["nextest", "run", "--workspace", "--no-fail-fast"]);
    succeed(nextest.args(filters).env("TIDEGATE_PLUGINS", workspace.plugins()))?;
    succeed(&mut workspace.cargo(["test", "--quiet", "--doc", "--package", "tidegate-sdk"]))
}
