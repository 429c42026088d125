//! `cargo xtask demo`: simulator, plugin and host, end to end: loads a day of 1,000 tags twice and shows the tables.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sim::Sim;
use crate::workspace::{Profile, Workspace, succeed};

const QUERIES: &[(&str, &str)] = &[
    (
        "rows, and rows with a key of their own (equal: nothing is doubled)",
        "SELECT sum(n) AS rows, count(*) AS keys FROM \
         (SELECT count(*) AS n FROM bronze.pi_timeseries GROUP BY tag_webid, timestamp, sequence)",
    ),
    (
        "pi_timeseries, by kind of value",
        "SELECT value_type, count(*) AS rows, count(value) AS numbers, min(value_text) AS text, \
         sum(CASE WHEN quality_good THEN 0 ELSE 1 END) AS bad FROM bronze.pi_timeseries GROUP BY value_type ORDER BY 1",
    ),
    (
        "pi_timeseries",
        "SELECT tag_name, timestamp, value, quality_good, units, value_text, value_type, sequence \
         FROM bronze.pi_timeseries ORDER BY tag_name, timestamp LIMIT 5",
    ),
    (
        "pi_points",
        "SELECT tag_name, descriptor, point_type, units, digital_set, zero, span FROM bronze.pi_points \
         ORDER BY tag_name LIMIT 5",
    ),
    (
        "pi_watermarks",
        "SELECT tag_name, first_timestamp, last_timestamp, record_count FROM checkpoints.pi_watermarks \
         ORDER BY tag_name LIMIT 5",
    ),
    (
        "pi_runs",
        "SELECT started_at, outcome, rows, late, gaps, requests, commits, duration_seconds FROM checkpoints.pi_runs \
         ORDER BY started_at",
    ),
];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins()?;
    workspace.build_programs_native(Profile::Dev)?;
    let folder = workspace.output("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;

    let simulator = workspace.program("tidegate-sim", Profile::Dev);
    let sim = Sim::start(&simulator, &["--tags", "1000", "--days", "2", "--server-name", "PISRV1"])?;
    let config = folder.join("tidegate.yaml");
    std::fs::write(&config, configuration(&sim.url, &workspace.bundle()))?;
    let tidegate = Tidegate { program: workspace.program("tidegate", Profile::Dev), config };

    heading("first run: a day of 1,000 tags");
    tidegate.run(&["run"])?;
    heading("second run: the look-back reads it all again, only what is new is added");
    tidegate.run(&["run"])?;
    for (title, sql) in QUERIES {
        heading(title);
        tidegate.run(&["query", sql])?;
    }
    ensure!(tidegate.unique()?, "the table holds rows with equal keys");
    println!("\nThe tables are in {}", folder.join("lakehouse").display());
    println!("Ask them: {} -c {} query 'SELECT …'", tidegate.program.display(), tidegate.config.display());
    Ok(())
}

struct Tidegate {
    program: std::path::PathBuf,
    config: std::path::PathBuf,
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

    fn unique(&self) -> Result<bool> {
        let sql = "SELECT max(n) = 1 AS unique FROM \
                   (SELECT count(*) AS n FROM bronze.pi_timeseries GROUP BY tag_webid, timestamp, sequence)";
        let output = self.command(&["--output", "json", "query", sql]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("true"))
    }
}

fn configuration(url: &str, bundle: &Path) -> String {
    format!(
        "version: 1
name: demo
plugin: {}
source:
  url: {url}
auth:
  type: anonymous
sink:
  location: ./lakehouse
ingestion:
  incremental_window_days: 1
performance:
  max_requests_per_second: 200
",
        bundle.display()
    )
}

fn heading(text: &str) {
    println!("\n== {text}");
}
