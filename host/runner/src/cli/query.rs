//! `tidegate query`: SQL over the tables of the lake. Reads only.

use anyhow::Result;
use clap::Args;

use super::{Global, load};
use crate::exit::Exit;
use crate::output;

#[derive(Args)]
pub(super) struct Arguments {
    /// Such as `SELECT tag_name, count(*) FROM bronze.acme_timeseries GROUP BY 1`
    #[arg(value_name = "SQL")]
    sql: String,
}

/// Prints the answer; as JSON an array of objects, column → value.
pub(super) async fn run(global: &Global, arguments: &Arguments) -> Result<Exit> {
    let job = load::job(global).await?;
    let rows = job.lake()?.query(&arguments.sql).await?;
    output::batches(global.output, &rows)?;
    Ok(Exit::Done)
}
