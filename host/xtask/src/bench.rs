//! `cargo xtask bench`: an initial load, release build, simulator beside it: rows per second, CPU and memory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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
    workspace.build_plugins(Profile::Release)?;
    let small = load(workspace, ROWS_PER_TAG)?;
    let again = small.compare_all(workspace)?;
    println!("initial load: {:.0} rows/s ({} rows in {:.1} s)", small.rate(), small.rows, small.wall.as_secs_f64());
    println!("host CPU: {:.2} s per million rows", small.cpu_per_million());
    println!("peak memory: {} MiB", small.peak_kib / 1024);
    println!("full refresh: {:.0} rows/s compared, no difference", small.rows as f64 / again.as_secs_f64());
    if !short {
        let large = load(workspace, ROWS_PER_TAG * 10)?;
        println!("10 times the rows: {:.0} rows/s ({} rows)", large.rate(), large.rows);
        println!("10 times the rows, host CPU: {:.2} s per million rows", large.cpu_per_million());
        println!("10 times the rows, peak memory: {} MiB", large.peak_kib / 1024);
    }
    Ok(())
}

struct Figures {
    sim: Sim,
    config: PathBuf,
    rows: u64,
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

impl Figures {
    fn rate(&self) -> f64 {
        self.rows as f64 / self.wall.as_secs_f64()
    }

    /// Reads it all again and compares every row with the lake: a row that is missing, doubled or altered is a failure.
    fn compare_all(&self, workspace: &Workspace) -> Result<Duration> {
        let clock = Instant::now();
        let output = Command::new(workspace.program("tidegate", Profile::Release))
            .arg("-c")
            .arg(&self.config)
            .args(["--quiet", "--output", "json", "run", "--full-refresh"])
            .output()?;
        ensure!(output.status.success(), "comparing with {} ended with {}", self.sim.url, output.status);
        let summary = String::from_utf8(output.stdout)?;
        for figure in ["rows", "late", "edited", "deleted"] {
            ensure!(field(&summary, figure)? == 0, "the lake differs from the server: {summary}");
        }
        Ok(clock.elapsed())
    }

    fn cpu_per_million(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.rows as f64
    }
}

/// Loads about `rows_per_tag` rows of each tag into an empty lake.
fn load(workspace: &Workspace, rows_per_tag: u64) -> Result<Figures> {
    let folder = workspace.output("bench");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    workspace.vouch(&folder)?;
    let days = (rows_per_tag * SECONDS_PER_ROW).div_ceil(86_400) + 1;
    let (tags, days_text) = (TAGS.to_string(), days.to_string());
    let arguments = ["--tags", &tags, "--days", &days_text, "--interval-seconds", "60"];
    let historian = workspace.shipped().into_iter().next().context("no plugin is shipped")?;
    let sim = Sim::start(&workspace.program("tidegate-sim", Profile::Release), &historian, &arguments)?;
    let config = folder.join("tidegate.yaml");
    std::fs::write(&config, configuration(&sim.url, &workspace.bundle(&historian), rows_per_tag)?)?;

    let before = cpu(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let clock = Instant::now();
    let mut child = Command::new(workspace.program("tidegate", Profile::Release))
        .arg("-c")
        .arg(&config)
        .args(["--quiet", "--output", "json", "run"])
        .stdout(Stdio::piped())
        .spawn()?;
    let peak_kib = peak(&mut child)?;
    let output = child.wait_with_output()?;
    let wall = clock.elapsed();
    ensure!(output.status.success(), "the load ended with {}", output.status);
    let cpu = cpu(&getrusage(UsageWho::RUSAGE_CHILDREN)?).saturating_sub(before);
    let rows = field(&String::from_utf8(output.stdout)?, "rows")?;
    ensure!(rows > 0, "no row arrived");
    Ok(Figures { sim, config, rows, wall, cpu, peak_kib })
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

/// The most memory that a child has held when it ends, in KiB; read while it runs, because the kernel's sum over children
/// also counts the compiler.
fn peak(child: &mut Child) -> Result<u64> {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = line.trim().trim_end_matches(" kB").parse().unwrap_or(peak).max(peak);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(peak)
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
