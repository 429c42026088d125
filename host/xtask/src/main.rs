//! `cargo xtask`: everything a developer runs, each a command that checks for what it needs first.
//!
//! - `demo`: simulator, plugin and host, end to end, on a clean clone
//! - `test`: unit, integration and misbehaving-guest tests
//! - `dist`: release artefacts in `target/dist/`, plugins as signed bundles
//! - `bench`: rows per second, CPU and memory of an initial load
//! - `plugins`: only the plugins that the tests load, packed and approved

mod bench;
mod demo;
mod dist;
mod needs;
mod remap;
mod sim;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use workspace::{Profile, Workspace};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let workspace = Workspace::find()?;
    needs::check()?;
    match command.as_str() {
        "demo" => demo::run(&workspace),
        "test" => test::run(&workspace, &rest),
        "dist" => dist::run(&workspace),
        "bench" => bench::run(&workspace, &rest),
        "plugins" => workspace.build_plugins(Profile::Dev).and_then(|()| workspace.build_programs()),
        other => bail!("unknown command `{other}`; there are: demo, test, dist, bench, plugins"),
    }
}
