//! `-c DIR` with several configurations: each pipeline runs as a process of its own, a few at a time, so that none takes
//! memory from another's budget or fails with it. What each writes to standard error comes through with its name; what it
//! prints is printed in one piece when it has ended.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::exit::{Exit, Failure};
use crate::output::Format;

/// Pipelines that run at the same time.
const AT_ONCE: usize = 4;

/// The configurations in `path` when it is a folder with several; in the order of their names.
pub(super) fn configurations(path: &Path) -> Option<Vec<PathBuf>> {
    Some(inside(path)).filter(|found| found.len() > 1)
}

/// The only configuration in a folder.
pub(super) fn only(folder: &Path) -> Option<PathBuf> {
    inside(folder).pop()
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    let yaml = |path: &PathBuf| path.extension().is_some_and(|it| it == "yaml" || it == "yml") && path.is_file();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(yaml).collect();
    found.sort();
    found
}

/// Runs this program once for each of `files` with the same `arguments` (the program's name among them). The worst end is
/// the end of all.
///
/// # Errors
/// When this program cannot be started again, or its output not be written.
pub(super) async fn run(files: Vec<PathBuf>, arguments: Vec<OsString>, format: Format) -> Result<Exit> {
    let running = Arc::new(Running::default());
    let work = tokio::task::spawn_blocking({
        let running = Arc::clone(&running);
        move || side_by_side(files, &arguments, format, &running)
    });
    tokio::select! {
        ended = work => ended?,
        () = told_to_stop() => {
            running.stop();
            Err(Failure::failed("interrupted: what was committed stays, the next run goes on from there").into())
        }
    }
}

/// Returns on ctrl-c or SIGTERM.
async fn told_to_stop() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = terminate else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn side_by_side(files: Vec<PathBuf>, arguments: &[OsString], format: Format, running: &Running) -> Result<Exit> {
    let program = std::env::current_exe().context("cannot find this program to start it for each pipeline")?;
    let queue = Mutex::new(VecDeque::from(files));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let worker = || -> Result<Exit> {
        let mut worst = Exit::Done;
        while let Some(file) = next() {
            worst = worse(worst, one(&program, &file, arguments, format, running)?);
        }
        Ok(worst)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_fold(Exit::Done, |worst, worker| {
            let ended = worker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a pipeline's thread ended early")));
            Ok(worse(worst, ended?))
        })
    })
}

/// One pipeline from its start to its end.
fn one(program: &Path, file: &Path, arguments: &[OsString], format: Format, running: &Running) -> Result<Exit> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = Command::new(program);
    command.args(with_config(arguments.iter().skip(1), file));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {} for {}", program.display(), file.display()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let child = running.add(child);
    let mut printed = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(|| {
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()).map_while(Result::ok) {
                eprintln!("{name}: {line}");
            }
        });
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut printed)?;
        }
        Ok(())
    })?;
    let status = child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
    let mut out = std::io::stdout().lock();
    if format == Format::Table {
        writeln!(out, "== {name}")?;
    }
    out.write_all(&printed)?;
    out.flush()?;
    Ok(Exit::from_code(status.code()))
}

/// `arguments` with `file` as the configuration. The last one counts, and nothing behind `--` is an option.
fn with_config<'a>(arguments: impl Iterator<Item = &'a OsString>, file: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.cloned().collect();
    let end = arguments.iter().position(|it| it == OsStr::new("--")).unwrap_or(arguments.len());
    arguments.splice(end..end, [OsString::from("--config"), file.as_os_str().to_owned()]);
    arguments
}

/// The one of two ends that deserves more attention.
fn worse(one: Exit, other: Exit) -> Exit {
    let order = [Exit::Done, Exit::Gaps, Exit::Usage, Exit::Refused, Exit::Failed];
    let rank = |exit: Exit| order.iter().position(|known| *known == exit);
    if rank(other) > rank(one) { other } else { one }
}

/// The processes that are at work.
#[derive(Default)]
struct Running(Mutex<Vec<Arc<Mutex<Child>>>>);

impl Running {
    fn add(&self, child: Child) -> Arc<Mutex<Child>> {
        let child = Arc::new(Mutex::new(child));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&child));
        child
    }

    /// Ends them all. Between two steps of the commit protocol or in the middle of one: both are safe.
    fn stop(&self) {
        for child in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Ok(mut child) = child.try_lock() {
                // One that has ended by itself needs no end.
                let _ = child.kill();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_configuration_in_a_folder_is_no_case_of_several() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "plugins.lock"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("c.yaml")).unwrap();
        assert_eq!(configurations(folder.path()), None);
        assert_eq!(only(folder.path()).unwrap(), folder.path().join("b.yaml"));
        std::fs::write(folder.path().join("a.yml"), "").unwrap();
        let names = ["a.yml", "b.yaml"].map(|name| folder.path().join(name));
        assert_eq!(configurations(folder.path()).unwrap(), names);
        assert_eq!(configurations(&names[0]), None);
    }

    #[test]
    fn the_configuration_takes_its_place_before_what_is_no_option() {
        let line = |arguments: &[&str]| -> Vec<OsString> { arguments.iter().map(OsString::from).collect() };
        let with = |arguments: &[&str]| with_config(line(arguments).iter(), Path::new("d/a.yaml"));
        assert_eq!(with(&["run", "-c", "d"]), line(&["run", "-c", "d", "--config", "d/a.yaml"]));
        assert_eq!(with(&["query", "--", "-c"]), line(&["query", "--config", "d/a.yaml", "--", "-c"]));
    }

    #[test]
    fn the_worst_end_is_the_end_of_all() {
        let all = [Exit::Gaps, Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused];
        assert_eq!(all.into_iter().fold(Exit::Done, worse), Exit::Failed);
        assert_eq!(worse(Exit::Gaps, Exit::Refused), Exit::Refused);
        assert_eq!(worse(Exit::Gaps, Exit::Done), Exit::Gaps);
    }
}
