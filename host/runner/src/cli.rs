//! The command line: which commands there are, and how each of them ends.
//!
//! Data goes to standard output, progress and logs to standard error. Every message passes the redactor. One error, one
//! message; its whole chain of causes with `-v`.

mod backfill;
mod check;
mod discover;
mod gaps;
mod init;
mod interrupt;
mod load;
mod plan;
mod plugin;
mod preview;
mod query;
mod reconcile;
mod run;
mod several;
mod spec;
mod state;
mod status;
mod validate;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{ArgAction, Args, Parser, Subcommand};

use crate::exit::{self, Exit, Failure};
use crate::output::{self, Format};
use crate::telemetry;

/// A tidegate lets water out and nothing back in: moves industrial-historian data into Delta Lake tables.
///
/// One YAML file describes a pipeline (`tidegate init` writes one). The historian's plugin runs sandboxed: it never sees a
/// credential and reaches nothing but the configured URL. `tidegate run` reads what is new since the last run and commits
/// rows together with the proof that they are complete.
///
/// Exit codes: 0 done; 1 failed; 2 usage or configuration; 3 done, but some intervals are recorded as gaps; 4 refused by
/// policy.
#[derive(Parser)]
#[command(name = "tidegate", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args)]
struct Global {
    /// The configuration; of a folder, all in it: each pipeline in a process of its own, side by side
    #[arg(
        short,
        long,
        global = true,
        value_name = "FILE|DIR",
        default_value = "tidegate.yaml",
        overrides_with = "config"
    )]
    config: PathBuf,
    /// Replace a key of the configuration, such as `source.url=https://acme.example/api`; VALUE is read as YAML
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// How data is printed
    #[arg(long, global = true, value_enum, default_value_t)]
    output: Format,
    /// No progress and no logs, only errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// More logs and whole chains of causes; twice for every detail
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Subcommand)]
enum Command {
    /// Write a minimal commented configuration; never overwrites one
    Init(init::Arguments),
    /// Print the JSON Schema of the configuration, for editors to complete from
    Spec,
    /// Check the configuration without making a request
    Validate,
    /// Ask the server for real: TLS, credentials, version, permissions, limits
    Check,
    /// List what the historian holds
    Discover(discover::Arguments),
    /// Show what a run would read: tags, intervals, estimated requests
    Plan(plan::Arguments),
    /// Print real rows; nothing is written
    Preview(preview::Arguments),
    /// Read what is new, to the end
    Run(run::Arguments),
    /// Read a range of time that lies below the cursors, beside the runs; goes on where it was interrupted
    Backfill(backfill::Arguments),
    /// Show how far each tag is loaded
    Status,
    /// List the intervals that could not be proven yet
    Gaps(gaps::Arguments),
    /// Show, keep, bring back or put back how far each tag is loaded
    State(state::Arguments),
    /// Compare counts per tag and day with the historian's own; file a gap where they differ
    Reconcile(reconcile::Arguments),
    /// Make, sign, carry, look at and approve plugins
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Run SQL over the tables of the lake, named schema.table
    Query(query::Arguments),
}

/// The program: parses the command line, runs the command, and prints what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(run_with(std::env::args_os()))
}

fn run_with(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too; nobody is left to tell when the stream is closed.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    telemetry::start(cli.global.quiet, cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::failed(format!("cannot start threads: {error}")).into(), 0),
    };
    let several = cli.command.is_of_one_pipeline().then(|| several::configurations(&cli.global.config)).flatten();
    let ended = runtime.block_on(async {
        match several {
            Some(files) => match cli.command.only_for_one() {
                None => several::run(files, arguments, cli.global.output).await,
                Some(failure) => Err(failure.into()),
            },
            None => cli.command.run(&cli.global).await,
        }
    });
    // What still runs after an interrupt must not hold the process.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit,
        Err(error) => fail(&error, cli.global.verbose),
    }
}

impl Command {
    /// Whether it is about one pipeline, and run for each where there are several.
    fn is_of_one_pipeline(&self) -> bool {
        !matches!(self, Self::Init(_) | Self::Spec | Self::Plugin(_))
    }

    /// Why it cannot be done for several pipelines at once.
    fn only_for_one(&self) -> Option<Failure> {
        match self {
            Self::State(arguments) => arguments.only_for_one(),
            _ => None,
        }
    }

    async fn run(&self, global: &Global) -> Result<Exit> {
        match self {
            Self::Init(arguments) => init::run(arguments).await,
            Self::Spec => spec::run(global).await,
            Self::Validate => validate::run(global).await,
            Self::Check => check::run(global).await,
            Self::Discover(arguments) => discover::run(global, arguments).await,
            Self::Plan(arguments) => plan::run(global, arguments).await,
            Self::Preview(arguments) => preview::run(global, arguments).await,
            Self::Run(arguments) => run::run(global, arguments).await,
            Self::Backfill(arguments) => backfill::run(global, arguments).await,
            Self::Status => status::run(global).await,
            Self::Gaps(arguments) => gaps::run(global, arguments).await,
            Self::State(arguments) => state::run(global, arguments).await,
            Self::Reconcile(arguments) => reconcile::run(global, arguments).await,
            Self::Plugin(command) => command.run(global).await,
            Self::Query(arguments) => query::run(global, arguments).await,
        }
    }
}

/// Prints the one message of `error` and returns its exit code.
fn fail(error: &anyhow::Error, verbose: u8) -> Exit {
    output::aside(&format!("error: {}", exit::message(error)));
    if verbose > 0 {
        error.chain().skip(1).for_each(|cause| output::aside(&format!("  caused by: {cause}")));
    }
    Exit::of(error)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn exit_of(arguments: &[&str]) -> Exit {
        run_with(std::iter::once("tidegate").chain(arguments.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_exit_code_2_and_help_is_not() {
        assert_eq!(exit_of(&["no-such-command"]), Exit::Usage);
        assert_eq!(exit_of(&[]), Exit::Usage);
        assert_eq!(exit_of(&["--version"]), Exit::Done);
        assert_eq!(exit_of(&["validate", "--config", "/nowhere/t.yaml", "--quiet"]), Exit::Usage);
    }

    #[test]
    fn one_file_is_not_the_state_of_several_pipelines() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "b.yaml"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let file = folder.path().join("state.json");
        std::fs::write(&file, "kept").unwrap();
        let (config, name) = (folder.path().to_str().unwrap(), file.to_str().unwrap());
        for what in ["export", "import"] {
            assert_eq!(exit_of(&["-c", config, "state", what, name]), Exit::Usage);
            let cli = Cli::try_parse_from(["tidegate", "state", what, name]).unwrap();
            assert!(cli.command.only_for_one().unwrap().message.contains("name one of its configurations with -c"));
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
        assert!(Cli::try_parse_from(["tidegate", "state", "export"]).unwrap().command.only_for_one().is_none());
    }

    #[test]
    fn global_options_stand_before_or_behind_the_command() {
        for line in [
            ["tidegate", "--output", "json", "status", "-c", "x.yaml"],
            ["tidegate", "-c", "x.yaml", "status", "--output", "json"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!((cli.global.output, cli.global.config), (Format::Json, PathBuf::from("x.yaml")));
        }
    }
}
