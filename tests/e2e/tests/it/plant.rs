//! A simulated plant, a configuration for it and the `tidegate` program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tidegate_simulators::pi::{Config, Form, Server};

use crate::table::{self, Rows};
use crate::truth::{self, Difference};

/// One second in 100 ns ticks.
pub const SECOND: i64 = 10_000_000;

/// A simulator, and a folder with the configuration and the lake.
pub struct Plant {
    pub server: Server,
    pub folder: TempDir,
    settings: Settings,
}

/// What a test sets in the configuration; the rest is the same for all.
#[derive(Clone, Debug)]
pub struct Settings {
    pub plugin: PathBuf,
    pub auth: String,
    pub tls: String,
    pub sink: String,
    pub source: String,
    pub ingestion: String,
    pub performance: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plugin: component("pi.tidegate"),
            auth: "{type: anonymous}".to_owned(),
            tls: "{}".to_owned(),
            sink: "{location: ./lake}".to_owned(),
            source: String::new(),
            ingestion: "{start: -30d}".to_owned(),
            performance: "{max_requests_per_second: 10000}".to_owned(),
        }
    }
}

/// What a finished `tidegate` left behind.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Plant {
    pub fn start(config: Config) -> Self {
        Self::with(config, Settings::default())
    }

    pub fn with(config: Config, settings: Settings) -> Self {
        let server = Server::launch(config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        vouch(folder.path());
        let plant = Self { server, folder, settings };
        plant.configure(|_| {});
        plant
    }

    /// Writes the configuration again, changed.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let text = format!(
            "version: 1\nname: test\nplugin: {}\nsource:\n  url: {}\n{}auth: {}\ntls: {}\nsink: {}\n\
             ingestion: {}\nperformance: {}\n",
            settings.plugin.display(),
            self.server.url(),
            settings.source,
            settings.auth,
            settings.tls,
            settings.sink,
            settings.ingestion,
            settings.performance,
        );
        std::fs::write(self.folder.path().join("tidegate.yaml"), text).unwrap();
    }

    /// The program in the plant's folder, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), arguments)
    }

    /// Runs the program in the plant's folder.
    pub fn tidegate(&self, arguments: &[&str]) -> Ended {
        tidegate(self.folder.path(), arguments, &[])
    }

    /// `tidegate run` that must end with `code`; its summary.
    pub fn run(&self, code: i32) -> serde_json::Value {
        let ended = self.tidegate(&["--output", "json", "run"]);
        assert_eq!(ended.code, code, "{ended:#?}");
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
    }

    pub fn table(&self, name: &str) -> PathBuf {
        let own = ["watermarks", "gaps", "runs", "rejects", "event_frames_watermarks", "bookmarks"].contains(&name);
        let schema = if own { "checkpoints" } else { "bronze" };
        self.folder.path().join("lake").join(schema).join(format!("pi_{name}"))
    }

    pub async fn rows(&self) -> Rows {
        table::timeseries(&self.table("timeseries")).await
    }

    /// How the table differs from all that the server holds since `start` (µs).
    pub async fn difference_since(&self, start: i64) -> Difference {
        let truth = self.server.truth();
        let points = truth.points();
        let expected = points.iter().enumerate().flat_map(|(tag, point)| {
            let events = truth.events(tag, start.saturating_mul(1_000), i64::MAX);
            truth::rows(point, &events)
        });
        truth::compare(expected, &self.rows().await)
    }

    /// Fails unless the table mirrors the server for all tags but these, of which it may hold anything.
    pub async fn assert_mirrors_but(&self, tags: &[usize]) {
        let truth = self.server.truth();
        let (without, with): (Vec<_>, Vec<_>) = truth.points().into_iter().partition(|tag| tags.contains(&tag.index));
        let without: Vec<String> = without.iter().map(|point| point.web_id(Form::Full)).collect();
        let mut rows = self.rows().await;
        rows.retain(|key, _| !without.contains(&key.0));
        let expected = with.iter().flat_map(|point| truth::rows(point, &truth.events(point.index, 0, i64::MAX)));
        assert_eq!(truth::compare(expected, &rows), Difference::default());
        assert!(!rows.is_empty(), "an empty table mirrors nothing");
    }

    /// How the table differs from all that the server holds.
    pub async fn difference(&self) -> Difference {
        self.difference_since(0).await
    }

    /// Fails unless the table mirrors the server.
    pub async fn assert_mirrors(&self) {
        let difference = self.difference().await;
        assert_eq!(difference, Difference::default());
        assert!(!self.rows().await.is_empty(), "an empty table mirrors nothing");
    }
}

/// The clock in 100 ns ticks.
pub fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64 * 10
}

/// A component built by `cargo xtask test`.
pub fn component(name: &str) -> PathBuf {
    let folder = std::env::var_os("TIDEGATE_PLUGINS").map_or_else(|| target().join("plugins"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not built: run `cargo xtask plugins`", path.display());
    path
}

/// Has every component vouched for beside a configuration in `folder`, as `cargo xtask plugins` has approved them.
pub fn vouch(folder: &Path) {
    std::fs::copy(component("plugins.lock"), folder.join("plugins.lock")).unwrap();
}

/// Runs the program in `folder`, with `environment` beside the usual.
pub fn tidegate(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    ended(command(folder, arguments).envs(environment.iter().copied()).output().unwrap())
}

/// The program, not started yet.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.current_dir(folder).args(arguments).env("XDG_CACHE_HOME", target().join("cache"));
    command
}

/// The program.
pub fn program() -> PathBuf {
    let program = target().join("debug/tidegate");
    assert!(program.is_file(), "{} is not built: run `cargo xtask test`", program.display());
    program
}

/// What a finished program left behind.
pub fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Cargo's target folder: tests run from `<target>/debug/deps`.
pub fn target() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}
