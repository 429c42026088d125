//! `cargo xtask demo`: simulators, plugins and host, end to end: loads a day of 1,000 tags, the assets and the event frames
//! of a PI plant, twice, then a Canary plant into the same lake, and shows the tables.

mod queries;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sim::Sim;
use crate::workspace::{Profile, Workspace, succeed};

/// What the simulated PI server holds.
const PI: &[&str] = &[
    "--tags",
    "1000",
    "--days",
    "2",
    "--server-name",
    "PISRV1",
    "--asset-server-name",
    "AF1",
    "--elements",
    "400",
    "--depth",
    "5",
    "--multi-parent",
    "10",
    "--cycle",
    "--frames-per-day",
    "100",
    "--child-frames",
    "1",
    "--gzip",
];

/// What the simulated Canary server holds.
const CANARY: &[&str] = &["--tags", "200", "--days", "2", "--hostile-names", "--frames-per-day", "60", "--gzip"];

const PI_KEYS: &str = "ingestion:
  af_database: '\\\\AF1\\Plant'
  include_af_hierarchy: true
  include_event_frames: true
  incremental_window_days: 1
";

const CANARY_KEYS: &str = "ingestion:
  include_asset_hierarchy: true
  include_event_frames: true
  incremental_window_days: 1
";

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins(Profile::Dev)?;
    let folder = workspace.output("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    workspace.vouch(&folder)?;
    let simulator = workspace.program("tidegate-sim", Profile::Dev);
    let program = workspace.program("tidegate", Profile::Dev);

    let sim = Sim::start(&simulator, "pi", PI)?;
    let pi = Tidegate { program: program.clone(), config: folder.join("tidegate.yaml") };
    std::fs::write(&pi.config, configuration("demo", &sim.url, &workspace.bundle("pi"), PI_KEYS))?;
    heading("check: what the server is and lets us do");
    pi.run(&["check"])?;
    heading("first run: a day of 1,000 tags, 400 elements, event frames");
    pi.run(&["run"])?;
    heading("second run: the look-back reads it all again, only what is new is added");
    pi.run(&["run"])?;
    pi.show(queries::PI)?;
    ensure!(pi.holds(queries::PI_UNIQUE)?, "a table holds rows with equal keys");

    let sim = Sim::start(&simulator, "canary", CANARY)?;
    let canary = Tidegate { program, config: folder.join("canary.yaml") };
    std::fs::write(&canary.config, configuration("demo-canary", &sim.url, &workspace.bundle("canary"), CANARY_KEYS))?;
    heading("another historian: a second configuration, the same program, the same lake");
    canary.run(&["check"])?;
    heading("two runs of a day of 200 Canary tags, the nodes of their view, event frames");
    canary.run(&["run"])?;
    canary.run(&["run"])?;
    canary.show(queries::CANARY)?;
    ensure!(canary.holds(queries::CANARY_UNIQUE)?, "a table holds rows with equal keys");
    canary.show(&[queries::BOTH])?;

    println!("\nThe tables are in {}", folder.join("lakehouse").display());
    println!("Ask them: {} -c {} query 'SELECT …'", pi.program.display(), pi.config.display());
    Ok(())
}

struct Tidegate {
    program: PathBuf,
    config: PathBuf,
}

impl Tidegate {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&self.config).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<()> {
        succeed(&mut self.command(arguments))
    }

    fn show(&self, queries: &[(&str, &str)]) -> Result<()> {
        for (title, sql) in queries {
            heading(title);
            self.run(&["query", sql])?;
        }
        Ok(())
    }

    /// Whether the answer of a query that asks so is yes.
    fn holds(&self, sql: &str) -> Result<bool> {
        let output = self.command(&["--output", "json", "query", sql]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("true"))
    }
}

fn configuration(name: &str, url: &str, bundle: &Path, keys: &str) -> String {
    format!(
        "version: 1
name: {name}
plugin: {}
source:
  url: {url}
auth:
  type: anonymous
sink:
  location: ./lakehouse
{keys}performance:
  max_requests_per_second: 200
",
        bundle.display()
    )
}

fn heading(text: &str) {
    println!("\n== {text}");
}
