//! `cargo xtask bench`: an initial load, release build, simulator beside it: rows per second, CPU and memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::resource::{Usage, UsageWho, getrusage};

use crate::sim::Sim;
use crate::workspace::{Profile, Workspace};

const TAGS: u64 = 100;
const ROWS_PER_TAG: u64 = 100_000;
const SECONDS_PER_ROW: u64 = 60;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let short = arguments.iter().any(|argument| argument == "--short");
    workspace.build_plugins()?;
    workspace.build_programs_native(Profile::Release)?;
    let small = load(workspace, ROWS_PER_TAG)?;
    println!("initial load: {:.0} rows/s ({} rows in {:.1} s)", small.rate(), small.rows, small.wall.as_secs_f64());
    println!("host CPU: {:.2} s per million rows", small.cpu_per_million());
    println!("peak memory: {} MiB", small.peak_kib / 1024);
    if !short {
        let large = load(workspace, ROWS_PER_TAG * 10)?;
        println!("10 times the rows: {:.0} rows/s ({} rows)", large.rate(), large.rows);
        println!("10 times the rows, host CPU: {:.2} s per million rows", large.cpu_per_million());
        println!("10 times the rows, peak memory: {} MiB", large.peak_kib / 1024);
    }
    Ok(())
}

struct Figures {
    rows: u64,
    wall: Duration,
    cpu: Duration,
    peak_kib: i64,
}

impl Figures {
    fn rate(&self) -> f64 {
        self.rows as f64 / self.wall.as_secs_f64()
    }

    fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.rows as f64
    }
}

/// Loads `rows_per_tag` rows of each tag into an empty lake and checks that they all arrived.
fn load(workspace: &Workspace, rows_per_tag: u64) -> Result<Figures> {
    let folder = workspace.output("bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    let days = (rows_per_tag * SECONDS_PER_ROW).div_ceil(86_400) + 1;
    let (tags, days_text) = (TAGS.to_string(), days.to_string());
    let arguments = ["--tags", &tags, "--days", &days_text, "--interval-seconds", "60"];
    let sim = Sim::start(&workspace.program("tidegate-sim", Profile::Release), &arguments)?;
    let config = folder.join("tidegate.yaml");
    std::fs::write(&config, configuration(&sim.url, &workspace.bundle(), rows_per_tag)?)?;

    let before = children()?;
    let clock = Instant::now();
    let output = Command::new(workspace.program("tidegate", Profile::Release))
        .arg("-c")
        .arg(&config)
        .args(["--quiet", "--output", "json", "run"])
        .stderr(Stdio::inherit())
        .output()?;
    let wall = clock.elapsed();
    ensure!(output.status.success(), "the load ended with {}", output.status);
    let after = children()?;
    let rows = field(&String::from_utf8(output.stdout)?, "rows")?;
    ensure!(rows >= TAGS * rows_per_tag * 99 / 100, "only {rows} rows arrived");
    Ok(Figures { rows, wall, cpu: cpu(&after).saturating_sub(cpu(&before)), peak_kib: after.max_rss() })
}

fn configuration(url: &str, bundle: &Path, rows_per_tag: u64) -> Result<String> {
    let seconds = rows_per_tag * SECONDS_PER_ROW;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    ensure!(now > seconds, "the clock stands before the history asked for");
    Ok(format!(
        "version: 1
name: bench
plugin: {}
source: {{url: \"{url}\"}}
auth: {{type: anonymous}}
sink: {{location: ./lakehouse}}
ingestion: {{start: -{seconds}s}}
performance: {{max_requests_per_second: 10000}}
",
        bundle.display()
    ))
}

/// Of all children that have ended: CPU time summed, peak memory of the largest.
fn children() -> Result<Usage> {
    Ok(getrusage(UsageWho::RUSAGE_CHILDREN)?)
}

fn cpu(usage: &Usage) -> Duration {
    let micros = |time: nix::sys::time::TimeVal| (time.tv_sec() * 1_000_000 + time.tv_usec()) as u64;
    Duration::from_micros(micros(usage.user_time()) + micros(usage.system_time()))
}

/// The number behind `"name":` in the run's JSON summary.
fn field(json: &str, name: &str) -> Result<u64> {
    let key = format!("\"{name}\":");
    let Some((_, rest)) = json.split_once(&key) else { bail!("the summary has no `{name}`: {json}") };
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().with_context(|| format!("`{name}` is not a number: {json}"))
}
