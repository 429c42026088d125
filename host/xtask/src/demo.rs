//! `cargo xtask demo`: simulator, plugin and host, end to end: loads a day of 1,000 tags, the assets and the event frames
//! of a plant, twice, and shows the tables.

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
        "pi_asset_hierarchy",
        "SELECT element_path, depth, template_name, parent_id, categories FROM bronze.pi_asset_hierarchy \
         ORDER BY element_path LIMIT 5",
    ),
    (
        "pi_element_attributes",
        "SELECT attribute_path, data_reference, type, default_uom, tag_name FROM bronze.pi_element_attributes \
         ORDER BY attribute_path LIMIT 5",
    ),
    (
        "pi_event_frames",
        "SELECT event_name, template_name, start_time, end_time, round(duration_minutes, 1) AS minutes, severity, \
         event_attributes FROM bronze.pi_event_frames ORDER BY start_time DESC LIMIT 5",
    ),
    (
        "one join: event frames, their element, its attributes, and the samples of the tags behind them",
        "SELECT f.event_name, e.element_path, a.attribute_name, t.tag_name, count(*) AS samples, round(avg(t.value), 2) AS mean \
         FROM bronze.pi_event_frames f \
         JOIN bronze.pi_asset_hierarchy e ON e.element_id = f.primary_element_id \
         JOIN bronze.pi_element_attributes a ON a.element_id = e.element_id \
         JOIN bronze.pi_timeseries t ON t.tag_webid = a.tag_webid \
         AND t.timestamp >= f.start_time AND t.timestamp < coalesce(f.end_time, now()) \
         WHERE t.value IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 LIMIT 8",
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

/// What the simulated plant holds.
const PLANT: &[&str] = &[
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

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins()?;
    workspace.build_programs_native(Profile::Dev)?;
    let folder = workspace.output("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;

    let simulator = workspace.program("tidegate-sim", Profile::Dev);
    let sim = Sim::start(&simulator, PLANT)?;
    let config = folder.join("tidegate.yaml");
    std::fs::write(&config, configuration(&sim.url, &workspace.bundle("pi")))?;
    let tidegate = Tidegate { program: workspace.program("tidegate", Profile::Dev), config };

    heading("check: what the server is and lets us do");
    tidegate.run(&["check"])?;
    heading("first run: a day of 1,000 tags, 400 elements, event frames");
    tidegate.run(&["run"])?;
    heading("second run: the look-back reads it all again, only what is new is added");
    tidegate.run(&["run"])?;
    for (title, sql) in QUERIES {
        heading(title);
        tidegate.run(&["query", sql])?;
    }
    ensure!(tidegate.unique()?, "a table holds rows with equal keys");
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
        let sql = "SELECT max(n) = 1 AS unique FROM ( \
                   SELECT count(*) AS n FROM bronze.pi_timeseries GROUP BY tag_webid, timestamp, sequence UNION ALL \
                   SELECT count(*) FROM bronze.pi_asset_hierarchy GROUP BY element_id UNION ALL \
                   SELECT count(*) FROM bronze.pi_element_attributes GROUP BY attribute_id UNION ALL \
                   SELECT count(*) FROM bronze.pi_event_frames GROUP BY event_frame_id)";
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
  af_database: '\\\\AF1\\Plant'
  include_af_hierarchy: true
  include_event_frames: true
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
