//! `tidegate plugin`: bundles, from packing a component to letting it run.

mod approve;
mod inspect;
mod keys;
mod list;
mod new;
mod pack;
mod registry;
mod sheet;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tidegate_bundle::{Bundle, Locks, PublicKey, Signer, Transport};

use super::{Global, load};
use crate::bundle::{self, Approval, Candidate};
use crate::exit::{Exit, Failure};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write a plugin to start from, in Rust: it builds, packs and runs as it is
    New(new::Arguments),
    /// Make a bundle of a component: it is asked, in the sandbox, what it is
    Pack(pack::Arguments),
    /// Make a key pair as cosign does; COSIGN_PASSWORD locks it
    GenerateKey(keys::Generate),
    /// Sign a bundle with a private key of cosign; COSIGN_PASSWORD unlocks it
    Sign(keys::Sign),
    /// Check that a bundle is whole and signed by somebody known; unsigned will do only while no signer is known at all
    Verify(verify::Arguments),
    /// Show what a reviewer decides on, on one screen
    Inspect(inspect::Arguments),
    /// Put a bundle and its signatures into a registry
    Push(registry::Push),
    /// Get a bundle and its signatures from a registry
    Pull(registry::Pull),
    /// Let a plugin run: show how it differs from what is approved, and pin it in plugins.lock beside the configuration
    Approve(approve::Arguments),
    /// List what is approved, and the bundles that lie here
    List,
}

/// A bundle, and how its registry is reached.
#[derive(Args)]
struct Named {
    /// A file, a name in plugins.lock, or oci://REGISTRY/REPOSITORY:TAG
    #[arg(value_name = "FILE|NAME|oci://…")]
    reference: String,
    #[command(flatten)]
    network: Network,
}

#[derive(Args)]
struct Network {
    /// Speak plain HTTP with the registry, which is done without being asked on this machine only
    #[arg(long)]
    plain_http: bool,
}

impl Network {
    fn transport(&self) -> Transport {
        if self.plain_http { Transport::Plain } else { Transport::Safe }
    }
}

/// Where the lock lies that commands read and write: beside the configuration, whether there is one yet or not.
struct Place {
    folder: PathBuf,
    locks: Locks,
    approval: Approval,
}

impl Place {
    fn of(global: &Global) -> Result<Self> {
        let path = load::path(global);
        let absolute = std::path::absolute(&path).with_context(|| format!("{}: no such place", path.display()))?;
        let folder = absolute.parent().unwrap_or(Path::new(".")).to_path_buf();
        let locks = bundle::locks(&folder)?;
        Ok(Self { folder, locks, approval: Approval::of(&path.display().to_string()) })
    }

    async fn open(&self, named: &Named) -> Result<Candidate, Failure> {
        let Named { reference, network } = named;
        bundle::open(reference, &self.folder, &self.locks, &self.approval, network.transport()).await
    }

    /// Those whose signatures count here, the operator's own first.
    fn signers(&self) -> impl Iterator<Item = &Signer> {
        std::iter::once(&self.locks.own).chain(&self.locks.shipped).flat_map(|lock| lock.signers())
    }

    /// The names of those who have signed a bundle, as far as they are known.
    fn signed_by(&self, bundle: &Bundle) -> Vec<String> {
        let mut names: Vec<String> =
            self.signers().filter(|one| bundle.is_signed_by(&one.key)).map(|one| one.name.clone()).collect();
        names.dedup();
        names
    }
}

impl Command {
    pub(super) async fn run(&self, global: &Global) -> Result<Exit> {
        match self {
            Self::New(arguments) => new::run(arguments),
            Self::Pack(arguments) => pack::run(global, arguments).await,
            Self::GenerateKey(arguments) => keys::generate(arguments),
            Self::Sign(arguments) => keys::sign(arguments),
            Self::Verify(arguments) => verify::run(global, arguments).await,
            Self::Inspect(arguments) => inspect::run(global, arguments).await,
            Self::Push(arguments) => registry::push(global, arguments).await,
            Self::Pull(arguments) => registry::pull(global, arguments).await,
            Self::Approve(arguments) => approve::run(global, arguments).await,
            Self::List => list::run(global).await,
        }
    }
}

/// A public key from a file.
fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let cannot = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", path.display()));
    let pem = std::fs::read_to_string(path).map_err(|error| cannot(&error))?;
    PublicKey::parse(&pem).map_err(|error| cannot(&error))
}

/// Writes a bundle, whole or not at all.
fn write(path: &Path, bundle: &Bundle) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("cannot write {}: {error}", path.display()));
    let bytes = bundle.to_bytes().map_err(|error| failed(&error))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, bytes).map_err(|error| failed(&error))?;
    std::fs::rename(&beside, path).map_err(|error| failed(&error))
}
