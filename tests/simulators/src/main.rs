//! `tidegate-sim`: historian servers for demos, benchmarks and tests in other processes.
//!
//! One line on stdout says where the server listens; nothing else is ever printed there. SIGTERM and ctrl-c end it.

mod cli;

use std::io::Write as _;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tidegate_simulators::pi::Server;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Historian servers: strict, deterministic, with faults on demand.
#[derive(Parser)]
#[command(name = "tidegate-sim", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A PI Web API server.
    Pi(Box<cli::Pi>),
}

fn main() -> Result<()> {
    let Command::Pi(options) = Cli::parse().command;
    let certificate = options.tls_cert_out.clone();
    let (config, faults) = options.config()?;
    let server = Server::launch(config)?;
    server.set_faults(faults);
    if let (Some(path), Some(pem)) = (&certificate, server.ca_pem()) {
        std::fs::write(path, pem).with_context(|| format!("writing the certificate to {}", path.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Whoever reads the line may send the signal at once, so it is caught before.
    let terminate = runtime.block_on(async { signal(SignalKind::terminate()) })?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", server.url())?;
    out.flush()?;
    runtime.block_on(told_to_stop(terminate))?;
    server.stop();
    Ok(())
}

/// Returns on SIGTERM or ctrl-c.
async fn told_to_stop(mut terminate: Signal) -> Result<()> {
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
