//! `-c DIR` with several configurations: each pipeline runs as a process of its own, a few at a time, so that none takes
//! memory from another's budget or fails with it. What each writes to standard error comes through with its name; what it
//! prints is printed in one piece when it has ended: under its name, or as JSON one object a document.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Value};

use super::interrupt;
use crate::exit::Exit;
use crate::output::{self, Format};

/// Pipelines that run at the same time.
const AT_ONCE: usize = 4;
/// How long they may take to end when they are told to: longer than the end of a session, which takes 5 s at most.
const PARTING: Duration = Duration::from_secs(8);
/// How often it is looked whether one that says no more has ended.
const GLANCE: Duration = Duration::from_millis(5);

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
    let mut work = tokio::task::spawn_blocking({
        let running = Arc::clone(&running);
        move || side_by_side(files, &arguments, format, &running)
    });
    tokio::select! {
        biased;
        () = interrupt::told_to_stop() => {
            running.stop();
            if tokio::time::timeout(PARTING, &mut work).await.is_err() {
                running.kill();
            }
            Err(interrupt::interrupted().into())
        }
        ended = &mut work => ended?,
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
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = running.start(&mut command);
    let started = started.with_context(|| format!("cannot start {} for {}", program.display(), file.display()))?;
    // Those that wait for their turn when all are told to stop have nothing to end.
    let Some(Started { child, stdout, stderr }) = started else { return Ok(Exit::Done) };
    let mut printed = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        scope.spawn(|| {
            for line in stderr.into_iter().flat_map(|stderr| BufReader::new(stderr).lines()).map_while(Result::ok) {
                output::aside(&format!("{name}: {line}"));
            }
        });
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut printed)?;
        }
        Ok(())
    })?;
    let status = ended(&child)?;
    match format {
        Format::Table => output::raw(&[format!("== {name}\n").as_bytes(), &printed].concat())?,
        Format::Json => output::raw(named(&name, &printed).as_bytes())?,
    }
    Ok(Exit::from_code(status.code()))
}

/// Waits for the end of a process, and lets others reach it meanwhile.
fn ended(child: &Mutex<Child>) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(GLANCE);
    }
}

/// Each JSON document in `printed` with the name of its pipeline, on a line of its own. One that was not finished is left
/// out: its process says on standard error why.
fn named(name: &str, printed: &[u8]) -> String {
    let text = String::from_utf8_lossy(printed);
    let mut documents = Deserializer::from_str(&text).into_iter::<IgnoredAny>();
    let mut lines = String::new();
    let mut from = 0;
    while let Some(Ok(_)) = documents.next() {
        let document = text.get(from..documents.byte_offset()).unwrap_or_default();
        from = documents.byte_offset();
        // No string of JSON holds a line break as it is. Numbers stay as they were printed.
        let flat: String = document.lines().map(str::trim).collect();
        lines.push_str(&format!("{{\"pipeline\":{},\"document\":{flat}}}\n", Value::from(name)));
    }
    lines
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
struct Running(Mutex<Processes>);

#[derive(Default)]
struct Processes {
    children: Vec<Arc<Mutex<Child>>>,
    /// No other is started any more.
    stopped: bool,
}

/// A process, and what it writes.
struct Started {
    child: Arc<Mutex<Child>>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Running {
    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one, unless all were told to stop.
    fn start(&self, command: &mut Command) -> std::io::Result<Option<Started>> {
        let mut processes = self.processes();
        if processes.stopped {
            return Ok(None);
        }
        let mut child = command.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let child = Arc::new(Mutex::new(child));
        processes.children.push(Arc::clone(&child));
        Ok(Some(Started { child, stdout, stderr }))
    }

    /// Tells them all to end, and starts no other.
    fn stop(&self) {
        self.processes().stopped = true;
        self.each(|child| {
            if let Ok(pid) = i32::try_from(child.id()) {
                // One that has ended by itself needs no end.
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
        });
    }

    /// Ends those that have not heard. Between two steps of the commit protocol or in the middle of one: both are safe.
    fn kill(&self) {
        self.each(|child| {
            // As above.
            let _ = child.kill();
        });
    }

    /// All that have not ended. Nobody waits for their end meanwhile, so that no number means another process.
    fn each(&self, act: impl Fn(&mut Child)) {
        for child in &self.processes().children {
            let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(child.try_wait(), Ok(None)) {
                act(&mut child);
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
    fn every_document_comes_with_the_name_of_its_pipeline_on_one_line() {
        let printed =
            "{\n  \"a\": [\n    1.10,\n    \"x  \\n y\"\n  ]\n}\n[\n{\"b\":12345678901234567890.5},\n{}\n]\n{\"cut\": ";
        let expected = "{\"pipeline\":\"p \\\"1\",\"document\":{\"a\": [1.10,\"x  \\n y\"]}}\n\
                        {\"pipeline\":\"p \\\"1\",\"document\":[{\"b\":12345678901234567890.5},{}]}\n";
        let lines = named("p \"1", printed.as_bytes());
        assert_eq!(lines, expected);
        assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
        assert_eq!(named("p", b""), "");
    }

    #[test]
    fn all_are_told_to_end_and_none_is_started_after_them() {
        let running = Running::default();
        let sleeper = running.start(Command::new("sleep").arg("60")).unwrap().unwrap();
        let deaf = ["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"];
        let mut deaf = running.start(Command::new("sh").args(deaf).stdout(Stdio::piped())).unwrap().unwrap();
        let mut ready = [0; 6];
        deaf.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
        running.stop();
        let signal = |status: ExitStatus| std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal(ended(&sleeper.child).unwrap()), Some(Signal::SIGTERM as i32));
        assert!(running.start(&mut Command::new("true")).unwrap().is_none());
        assert!(deaf.child.lock().unwrap().try_wait().unwrap().is_none(), "it was told, not ended");
        running.kill();
        assert_eq!(signal(ended(&deaf.child).unwrap()), Some(Signal::SIGKILL as i32));
    }

    #[test]
    fn the_worst_end_is_the_end_of_all() {
        let all = [Exit::Gaps, Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused];
        assert_eq!(all.into_iter().fold(Exit::Done, worse), Exit::Failed);
        assert_eq!(worse(Exit::Gaps, Exit::Refused), Exit::Refused);
        assert_eq!(worse(Exit::Gaps, Exit::Done), Exit::Gaps);
    }
}
