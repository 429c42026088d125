//! `tidegate plugin push` and `pull`: bundles in registries, with their signatures beside them as cosign puts them.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use tidegate_bundle::{Reference, Registry};

use super::{Network, Place, write};
use crate::bundle;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;

#[derive(Args)]
pub(in crate::cli) struct Push {
    /// The bundle
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to; the log-in is taken from docker's configuration
    #[arg(value_name = "oci://REGISTRY/REPOSITORY:TAG")]
    to: String,
    #[command(flatten)]
    network: Network,
}

#[derive(Args)]
pub(in crate::cli) struct Pull {
    /// What; the log-in is taken from docker's configuration
    #[arg(value_name = "oci://…")]
    from: String,
    /// Where it is written; by default NAME.tidegate in this folder
    #[arg(short = 'o', value_name = "FILE")]
    target: Option<PathBuf>,
    #[command(flatten)]
    network: Network,
}

/// Prints the name by digest, for a configuration or a lock.
pub(super) async fn push(global: &Global, arguments: &Push) -> Result<Exit> {
    let place = Place::of(global)?;
    let candidate = bundle::read_file(&arguments.file, &place.folder)?;
    let to: Reference = arguments.to.parse().map_err(bundle::failure)?;
    let registry = Registry::open(&to, arguments.network.transport()).map_err(bundle::failure)?;
    let pushed = registry.push(&to, candidate.need_bundle()?).await.map_err(bundle::failure)?;
    output::line(&pushed.to_string())?;
    Ok(Exit::Done)
}

/// Writes a bundle that fits together; whether it may run, the lock says when it is to.
pub(super) async fn pull(global: &Global, arguments: &Pull) -> Result<Exit> {
    let place = Place::of(global)?;
    if !Reference::is_meant(&arguments.from) {
        let from = &arguments.from;
        return Err(
            Failure::usage(format!("{from}: name a bundle in a registry: oci://REGISTRY/REPOSITORY:TAG")).into()
        );
    }
    let transport = arguments.network.transport();
    let candidate = bundle::open(&arguments.from, &place.folder, &place.locks, &place.approval, transport).await?;
    let pulled = candidate.need_bundle()?;
    let refuse = |error| Failure::refused(format!("{} is refused: {error}", candidate.shown));
    let said = pulled.manifest().map_err(refuse)?;
    let path = arguments.target.clone().unwrap_or_else(|| PathBuf::from(format!("{}.tidegate", said.name)));
    write(&path, pulled)?;
    output::line(&format!("wrote {}: {}", path.display(), candidate.shown))?;
    Ok(Exit::Done)
}
