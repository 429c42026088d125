//! `tidegate plugin pack`: a component becomes a bundle. The same component becomes the same bundle, wherever and whenever.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tidegate_bundle::{Bundle, Digest};
use tidegate_sandbox::Limits;

use super::write;
use crate::bundle::{self, Content};
use crate::cli::Global;
use crate::config;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// A WebAssembly component of the world tidegate:historian/extractor
    #[arg(value_name = "COMPONENT.wasm")]
    component: PathBuf,
    /// Where the bundle is written; by default NAME.tidegate in this folder, NAME being what the plugin calls itself
    #[arg(short = 'o', value_name = "FILE")]
    target: Option<PathBuf>,
    /// The memory that one call needs at most, such as 128MiB; by default it gets what performance.memory_limit leaves it
    #[arg(long, value_name = "SIZE", value_parser = config::size)]
    memory_limit: Option<u64>,
}

/// What `--output json` prints.
#[derive(Serialize)]
struct Packed {
    file: String,
    name: String,
    version: String,
    digest: Digest,
    component: Digest,
}

pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let candidate = bundle::read_file(&arguments.component, &arguments.component)?;
    let Content::Component(component) = candidate.content.clone() else {
        return Err(Failure::usage(format!("{} is a bundle already", candidate.shown)).into());
    };
    let (_, mut said) = bundle::compile(&candidate, &bundle::engine()?, Limits::default()).await?;
    said.limits.memory_bytes = arguments.memory_limit;
    let packed = Bundle::pack(component, &said).map_err(|error| Failure::usage(format!("pack: {error}")))?;
    let path = arguments.target.clone().unwrap_or_else(|| PathBuf::from(format!("{}.tidegate", said.name)));
    write(&path, &packed)?;
    let (file, digest) = (path.display().to_string(), packed.digest().clone());
    match global.output {
        Format::Table => output::line(&format!("wrote {file}: {} {}, {digest}", said.name, said.version))?,
        Format::Json => output::json(&Packed {
            file,
            name: said.name,
            version: said.version,
            digest,
            component: said.component.digest,
        })?,
    }
    Ok(Exit::Done)
}
