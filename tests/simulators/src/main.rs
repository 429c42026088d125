//! `tidegate-sim`: historian servers for demos, benchmarks and tests in other processes.
//!
//! One line on stdout says where the server listens; nothing else is ever printed there. SIGTERM and ctrl-c end it.

mod cli;

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tidegate_simulators::{canary, pi};
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
    /// A Canary Views service with the read web API.
    Canary(Box<cli::Canary>),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Pi(options) => {
            let certificate = options.wire.tls_cert_out.clone();
            let (config, faults) = options.config()?;
            let server = pi::Server::launch(config)?;
            server.set_faults(faults);
            announce(&server.url(), certificate.as_deref().zip(server.ca_pem()))?;
            server.stop();
        }
        Command::Canary(options) => {
            let certificate = options.wire.tls_cert_out.clone();
            let (config, faults) = options.config()?;
            let server = canary::Server::launch(config)?;
            server.set_faults(faults);
            announce(&server.url(), certificate.as_deref().zip(server.ca_pem()))?;
            server.stop();
        }
    }
    Ok(())
}

/// Says where a server listens and returns when it shall stop.
fn announce(url: &str, certificate: Option<(&Path, &str)>) -> Result<()> {
    if let Some((path, pem)) = certificate {
        std::fs::write(path, pem).with_context(|| format!("writing the certificate to {}", path.display()))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Whoever reads the line may send the signal at once, so it is caught before.
    let terminate = runtime.block_on(async { signal(SignalKind::terminate()) })?;
    let mut out = std::io::stdout();
    writeln!(out, "listening on {url}")?;
    out.flush()?;
    runtime.block_on(told_to_stop(terminate))
}

/// Returns on SIGTERM or ctrl-c.
async fn told_to_stop(mut terminate: Signal) -> Result<()> {
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
