//! Logs: lines on standard error, each through the redactor, written above a progress bar and never through it.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::progress;
use crate::secret::redact;

/// Starts logging. `verbose` 0 shows warnings, 1 what Tidegate and its plugins do, 2 and more every detail of it.
/// Libraries never log below `info`: their details hold headers and bodies.
pub fn start(quiet: bool, verbose: u8) {
    // A directive covers every target that begins with it: all crates of this program.
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "warn,tidegate=debug",
        (false, _) => "info,tidegate=trace",
    };
    let terminal = io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(Redacting)
        .with_target(false)
        .with_ansi(terminal && colour());
    // A second start in one process keeps the first.
    let _ = if terminal { builder.without_time().try_init() } else { builder.try_init() };
}

/// Whether colours are wanted: <https://no-color.org>.
#[must_use]
pub fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Makes writers that take one whole event each.
struct Redacting;

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(Vec::new())
    }
}

/// Collects an event and writes it when it is complete, so that no secret slips through between two writes.
struct Event(Vec<u8>);

impl Write for Event {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        // Nobody is left to tell when standard error is closed.
        let _ = progress::suspended(|| io::stderr().write_all(redact(&text).as_bytes()));
    }
}
