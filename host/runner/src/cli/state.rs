//! `tidegate state`: how far each tag is loaded, shown, kept as a document, brought back from one, and put back. Asks the
//! historian nothing. What would change is printed first, and only `--yes` changes it.

mod show;
mod shown;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Global, load};
use crate::config::Start;
use crate::exit::{Exit, Failure};
use crate::glob::Glob;
use crate::output::{self, Format};
use crate::pipeline::{self, Job};
use crate::state::{self, Difference, Document, Selection, Wish};

/// Bytes of a document at most: a million tags, and more is none.
const LARGEST: u64 = 1 << 30;
/// Standard input or output as a file's name.
const STANDARD: &str = "-";

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show, per table and tag, what is read, how many rows that were, and what is owed
    Show(Selected),
    /// Write the state as JSON: the same state is the same text
    Export {
        #[command(flatten)]
        selected: Selected,
        /// Where to; standard output without it
        #[arg(value_name = "FILE", default_value = STANDARD)]
        file: PathBuf,
    },
    /// Make the state of every tag that a document names as it says; other tags stay as they are
    ///
    /// A cursor that goes back is as after `reset`: what is read again is compared with what is stored. One that goes on
    /// over time that was never read into this lake is refused, for no run would read it: see --accept-skip.
    Import {
        #[command(flatten)]
        selected: Selected,
        #[command(flatten)]
        applied: Applied,
        /// What `state export` wrote; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Let cursors go on over time that was not read into this lake
        #[arg(long)]
        accept_skip: bool,
    },
    /// Put cursors back, so that the next run reads again from there
    ///
    /// No row is removed. What is read again is compared with what is stored: equal rows stay, others are mirrored.
    Reset {
        #[command(flatten)]
        selected: Selected,
        #[command(flatten)]
        applied: Applied,
        /// To this instant: RFC 3339, or a time before now such as -7d. Without it, to where the configuration starts
        #[arg(long, value_name = "T", allow_hyphen_values = true)]
        from: Option<Start>,
    },
}

#[derive(Args)]
struct Selected {
    /// Only tags of this name or identity; `*` stands for anything, `?` for one character
    #[arg(long = "tag", value_name = "GLOB")]
    tag: Option<String>,
    /// Only this table; may be given more than once
    #[arg(long = "table", value_name = "TABLE")]
    tables: Vec<String>,
}

#[derive(Args)]
struct Applied {
    /// Apply the difference; without it nothing is written
    #[arg(long)]
    yes: bool,
}

impl Selected {
    fn selection(&self) -> Selection {
        Selection { tables: self.tables.clone(), tag: self.tag.as_deref().map(Glob::new) }
    }
}

impl Arguments {
    /// Why it cannot be done for several pipelines at once: a document is that of one.
    pub(super) fn only_for_one(&self) -> Option<Failure> {
        let what = match &self.command {
            Command::Export { file, .. } if file.as_os_str() != STANDARD => "export FILE",
            Command::Import { .. } => "import",
            _ => return None,
        };
        Some(Failure::usage(format!(
            "state {what}: one document is the state of one pipeline, and this folder holds several; name one of its \
             configurations with -c"
        )))
    }
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let job = load::job(global).await?;
    match &arguments.command {
        Command::Show(selected) => {
            let states = state::read(&job, &job.lake()?, &selected.selection()).await?;
            show::print(global.output, &job.config().name, &states)?;
            Ok(Exit::Done)
        }
        Command::Export { selected, file } => {
            let states = state::read(&job, &job.lake()?, &selected.selection()).await?;
            write(file, &Document::of(&job.config().name, &states).text()?)?;
            Ok(Exit::Done)
        }
        Command::Import { selected, applied, file, accept_skip } => {
            let document = state::parse(&job, &file.display().to_string(), &text(file)?)?;
            let wish = Wish::Import(document);
            change(global, &job, &selected.selection(), &wish, applied.yes, *accept_skip).await
        }
        Command::Reset { selected, applied, from } => {
            let start = from.unwrap_or(job.config().ingestion.start);
            let wish = Wish::Reset(start.resolve(pipeline::now().at));
            change(global, &job, &selected.selection(), &wish, applied.yes, false).await
        }
    }
}

/// Prints what `wish` changes and, when that is wanted, changes it: exactly what was printed, or nothing.
async fn change(
    global: &Global,
    job: &Job,
    selection: &Selection,
    wish: &Wish,
    yes: bool,
    accept_skip: bool,
) -> Result<Exit> {
    let (lake, now) = (job.lake()?, pipeline::now());
    let mut differences = state::look(job, &lake, selection, wish, now).await?;
    if let Some(tag) = selection.tag.as_ref().filter(|_| differences.iter().all(is_void)) {
        return Err(Failure::usage(format!(
            "state: no tag is called `{}`; `tidegate state show` lists them",
            tag.as_str()
        ))
        .into());
    }
    let mut held = Default::default();
    if yes && differences.iter().any(|difference| !difference.is_empty()) {
        held = state::take(job, &lake, &differences, now).await?;
        // What was under way until the lanes were ours has ended now.
        differences = state::look(job, &lake, selection, wish, now).await?;
    }
    shown::print(global.output, &job.config().name, &differences, yes)?;
    let skips = differences.iter().flat_map(|difference| &difference.changes).filter(|change| change.skips.is_some());
    let skips = skips.count();
    if skips > 0 && !accept_skip {
        return Err(Failure::usage(format!(
            "state: {skips} cursors would go on over time that was not read into this lake, and no run would read it: nothing \
             was changed. Leave these tags out, or, where that is meant, say --accept-skip"
        ))
        .into());
    }
    if yes {
        state::apply(&lake, &differences, &mut held, now).await?;
    }
    if global.output == Format::Table {
        output::line(shown::ending(&differences, yes))?;
    }
    Ok(Exit::Done)
}

/// Whether nothing was selected.
fn is_void(difference: &Difference) -> bool {
    difference.is_empty() && difference.stay.is_empty()
}

/// The text of a document.
fn text(file: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("state: cannot read {}: {error}", file.display()));
    let source: Box<dyn Read> = if file.as_os_str() == STANDARD {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut text = String::new();
    source.take(LARGEST).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes a document whole or not at all: an interrupted export must not be taken for the state.
fn write(file: &Path, text: &str) -> Result<()> {
    if file.as_os_str() == STANDARD {
        return Ok(output::line(text.trim_end())?);
    }
    let failed = |error: std::io::Error| Failure::failed(format!("state: cannot write {}: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let part = folder.join(format!(".{name}.part"));
    let written = std::fs::File::create(&part).and_then(|mut out| {
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&part, file)
    });
    if written.is_err() && part.exists() {
        std::fs::remove_file(&part).map_err(failed)?;
    }
    Ok(written.map_err(failed)?)
}
