//! A running simulator: started on a free port, stopped when dropped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// `tidegate-sim` as a child process.
pub(crate) struct Sim {
    child: Child,
    /// Where it listens, such as `http://127.0.0.1:PORT/api`.
    pub(crate) url: String,
}

impl Sim {
    /// Starts the simulator of this server.
    pub(crate) fn start(program: &Path, server: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command.args([server, "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let output = child.stdout.take().context("the simulator has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("cannot read the simulator's output")?;
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Ok(Self { child, url: url.to_owned() }),
            None => bail!("the simulator did not start: {line}"),
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // Already gone is as good as stopped.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
