//! A simulated plant, a configuration for it and the `tidegate` program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;

use tempfile::TempDir;
use tidegate_simulators::{canary, pi};

use crate::table::{self, Key, Row, Rows};
use crate::truth::{self, Difference};

/// One second in 100 ns ticks.
pub const SECOND: i64 = 10_000_000;

/// A plant with a PI server.
pub type Plant = PlantOf<pi::Server>;
/// A plant with a Canary server.
pub type CanaryPlant = PlantOf<canary::Server>;

/// A simulator, and a folder with the configuration and the lake. Several may share a folder.
pub struct PlantOf<S> {
    pub server: S,
    pub folder: Rc<TempDir>,
    /// Name of the configuration file.
    file: String,
    settings: Settings,
}

/// What the harness asks of a simulator, whichever historian it plays.
pub trait Simulator: Sized {
    /// What it holds and how it behaves.
    type Config;
    /// Name of the plugin that reads it, and prefix of its tables.
    const PLUGIN: &'static str;

    fn launch(config: Self::Config) -> Self;

    fn url(&self) -> String;

    /// Everything that a run without a filter reads, with the rows that its events in `[start, end)` become;
    /// nanoseconds since the Unix epoch.
    fn series(&self, start: i64, end: i64) -> Vec<Series>;
}

/// What one tag must be in the table.
pub struct Series {
    /// Its place in the simulator's truth.
    pub tag: usize,
    /// What the tables know it by.
    pub id: String,
    pub rows: Vec<(Key, Row)>,
}

/// What a test sets in the configuration; the rest is the same for all.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name: String,
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
            name: "test".to_owned(),
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

impl<S: Simulator> PlantOf<S> {
    pub fn start(config: S::Config) -> Self {
        let plugin = component(&format!("{}.tidegate", S::PLUGIN));
        Self::with(config, Settings { plugin, ..Settings::default() })
    }

    pub fn with(config: S::Config, settings: Settings) -> Self {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        Self::at(folder, "tidegate.yaml", config, settings)
    }

    /// In the folder of another plant and into its lake, with a configuration and a pipeline of its own.
    pub fn beside<O>(other: &PlantOf<O>, config: S::Config) -> Self {
        let (name, plugin) = (S::PLUGIN.to_owned(), component(&format!("{}.tidegate", S::PLUGIN)));
        let file = format!("{name}.yaml");
        Self::at(Rc::clone(&other.folder), &file, config, Settings { name, plugin, ..Settings::default() })
    }

    fn at(folder: Rc<TempDir>, file: &str, config: S::Config, settings: Settings) -> Self {
        vouch(folder.path());
        let plant = Self { server: S::launch(config), folder, file: file.to_owned(), settings };
        plant.configure(|_| {});
        plant
    }

    /// Writes the configuration again, changed.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let text = format!(
            "version: 1\nname: {}\nplugin: {}\nsource:\n  url: {}\n{}auth: {}\ntls: {}\nsink: {}\n\
             ingestion: {}\nperformance: {}\n",
            settings.name,
            settings.plugin.display(),
            self.server.url(),
            settings.source,
            settings.auth,
            settings.tls,
            settings.sink,
            settings.ingestion,
            settings.performance,
        );
        std::fs::write(self.folder.path().join(&self.file), text).unwrap();
    }

    /// The program in the plant's folder, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.folder.path(), &["-c", &self.file]);
        command.args(arguments);
        command
    }

    /// Runs the program in the plant's folder.
    pub fn tidegate(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).output().unwrap())
    }

    /// `tidegate run` that must end with `code`; its summary.
    pub fn run(&self, code: i32) -> serde_json::Value {
        self.json(code, &["run"])
    }

    /// A command that must end with `code`; what it prints as JSON.
    pub fn json(&self, code: i32, arguments: &[&str]) -> serde_json::Value {
        let ended = self.tidegate(&[&["--output", "json"], arguments].concat());
        assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:#?}"))
    }

    pub fn table(&self, name: &str) -> PathBuf {
        let own = ["watermarks", "gaps", "runs", "rejects", "event_frames_watermarks", "bookmarks", "backfills"]
            .contains(&name);
        let schema = if own { "checkpoints" } else { "bronze" };
        self.folder.path().join("lake").join(schema).join(format!("{}_{name}", S::PLUGIN))
    }

    pub async fn rows(&self) -> Rows {
        table::timeseries(&self.table("timeseries")).await
    }

    /// How the table differs from what the server holds of these tags, or of all, in `[from, to)` ticks.
    pub async fn difference_of(&self, tags: Option<&[usize]>, from: i64, to: i64) -> Difference {
        let series = self.server.series(from.saturating_mul(100), to.saturating_mul(100)).into_iter();
        let wanted = series.filter(|series| tags.is_none_or(|tags| tags.contains(&series.tag)));
        truth::compare(wanted.flat_map(|series| series.rows), &self.rows().await)
    }

    /// How what the table holds in `[from, to)` ticks differs from what the server holds there.
    pub async fn difference_inside(&self, from: i64, to: i64) -> Difference {
        let series = self.server.series(from.saturating_mul(100), to.saturating_mul(100)).into_iter();
        let mut rows = self.rows().await;
        rows.retain(|key, _| (from..to).contains(&(key.1 * 10)));
        truth::compare(series.flat_map(|series| series.rows), &rows)
    }

    /// How the table differs from all that the server holds since `start` (µs).
    pub async fn difference_since(&self, start: i64) -> Difference {
        self.difference_of(None, start.saturating_mul(10), i64::MAX).await
    }

    /// Fails unless the table mirrors the server for all tags but these, of which it may hold anything.
    pub async fn assert_mirrors_but(&self, tags: &[usize]) {
        let (without, with): (Vec<_>, Vec<_>) =
            self.server.series(0, i64::MAX).into_iter().partition(|series| tags.contains(&series.tag));
        let mut rows = self.rows().await;
        rows.retain(|key, _| !without.iter().any(|series| series.id == key.0));
        let expected = with.into_iter().flat_map(|series| series.rows);
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
