//! `cargo xtask demo`: simulators, plugins and host, end to end: loads each historian of `tests/demo` twice into one lake, by
//! one program, and shows the tables.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::sim::Sim;
use crate::workspace::{Profile, Workspace, succeed};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.build_plugins(Profile::Dev)?;
    let folder = workspace.output("demo");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder)?;
    workspace.vouch(&folder)?;
    for historian in historians(&workspace.root().join("tests/demo"))? {
        show(workspace, &historian, &folder)?;
    }
    let program = workspace.program("tidegate", Profile::Dev);
    println!("\nThe tables are in {}", folder.join("lakehouse").display());
    println!("Run all again: {} -c {} run", program.display(), folder.display());
    Ok(())
}

/// What the demo knows of a historian: a folder of data.
struct Historian {
    name: String,
    folder: PathBuf,
}

impl Historian {
    fn text(&self, file: &str) -> Result<String> {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Folders `1-NAME`, `2-NAME` in their order.
fn historians(folder: &Path) -> Result<Vec<Historian>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let historian = |folder: PathBuf| {
        let file = folder.file_name()?.to_string_lossy().into_owned();
        Some(Historian { name: file.split_once('-')?.1.to_owned(), folder })
    };
    Ok(folders.into_iter().filter_map(historian).collect())
}

/// Loads one historian twice, and asks the tables.
fn show(workspace: &Workspace, historian: &Historian, folder: &Path) -> Result<()> {
    let name = &historian.name;
    let options = historian.text("simulator.txt")?;
    let options: Vec<&str> = options.split_whitespace().collect();
    let sim = Sim::start(&workspace.program("tidegate-sim", Profile::Dev), name, &options)?;
    let tidegate =
        Tidegate { program: workspace.program("tidegate", Profile::Dev), config: folder.join(format!("{name}.yaml")) };
    let ingestion = historian.text("ingestion.yaml")?;
    std::fs::write(&tidegate.config, configuration(name, &sim.url, &workspace.bundle(name), &ingestion))?;
    heading(&format!("{name}: check what the server is and lets us do"));
    tidegate.run(&["check"])?;
    heading(&format!("{name}: the first run"));
    tidegate.run(&["run"])?;
    heading(&format!("{name}: the second run looks back, and adds only what is new"));
    tidegate.run(&["run"])?;
    for query in historian.text("queries.sql")?.split("\n\n") {
        let (title, sql) = query.split_once('\n').context("a query is a title and a text")?;
        heading(title.trim_start_matches("-- "));
        tidegate.run(&["query", sql])?;
    }
    ensure!(tidegate.holds(&historian.text("unique.sql")?)?, "a table of {name} holds rows with equal keys");
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

    /// Whether the answer of a query that asks so is yes.
    fn holds(&self, sql: &str) -> Result<bool> {
        let output = self.command(&["--output", "json", "query", sql]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).contains("true"))
    }
}

fn configuration(name: &str, url: &str, bundle: &Path, ingestion: &str) -> String {
    format!(
        "version: 1
name: demo-{name}
plugin: {}
source:
  url: {url}
auth:
  type: anonymous
sink:
  location: ./lakehouse
{ingestion}performance:
  max_requests_per_second: 200
",
        bundle.display()
    )
}

fn heading(text: &str) {
    println!("\n== {text}");
}
