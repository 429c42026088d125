//! Rows that were not written, kept as the historian sent them: what could not be mapped, and what may not be changed. A look-back meets the same ones on every run, and a run
//! that died before its commit meets them again: each is kept once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field};
use futures::TryStreamExt;

use crate::Result;
use crate::batch::{Columns, instants, texts};
use crate::files::DataFile;
use crate::journal::append;
use crate::lake::{Lake, RunStamp};
use crate::layout::timestamp;
use crate::location::Root;
use crate::scan::{open, project, unreadable};
use crate::table::Table;
use crate::watermarks::column;

/// A row that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// `Series::id`.
    pub series: String,
    /// As the historian sent it.
    pub raw: String,
    /// Why not.
    pub reason: String,
}

impl Reject {
    /// Bytes that it keeps alive.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.series.len() + self.raw.len() + self.reason.len()
    }
}

/// The rejects table as one run appends to it.
pub(crate) struct Rejects {
    root: Root,
    schema: String,
    name: String,
    /// The table that the rows were meant for.
    meant_for: String,
    pipeline: String,
    run: RunStamp,
    /// Hashes of what the table holds; read when the first reject comes, because most runs have none.
    known: Option<HashSet<u64>>,
}

impl Rejects {
    pub(crate) fn new(lake: &Lake, meant_for: &str, run: RunStamp) -> Self {
        Self {
            root: lake.root.clone(),
            schema: lake.config.checkpoint_schema.clone(),
            name: lake.own_table("rejects"),
            meant_for: meant_for.to_owned(),
            pipeline: lake.config.pipeline.clone(),
            run,
            known: None,
        }
    }

    /// Appends those that are not there yet.
    ///
    /// # Errors
    /// A store that refuses.
    pub(crate) async fn append(&mut self, rejects: Vec<Reject>) -> Result<()> {
        if rejects.is_empty() {
            return Ok(());
        }
        let known = match &mut self.known {
            Some(known) => known,
            none => none.insert(known(&self.root, &self.schema, &self.name).await?),
        };
        let mut new = rejects;
        new.retain(|reject| known.insert(hash(&self.meant_for, &reject.series, &reject.raw)));
        if new.is_empty() {
            return Ok(());
        }
        let (fields, columns) = self.columns(&new).into_iter().unzip();
        let comment = "Rows that were not written, as the historian sent them, and why";
        append(&self.root, &self.schema, &self.name, comment, fields, columns).await
    }

    fn columns(&self, rows: &[Reject]) -> Vec<(Field, ArrayRef)> {
        let text = |name, comment, pick: fn(&Reject) -> &str| {
            (column(name, DataType::Utf8, comment), texts(rows.iter().map(pick)))
        };
        let constant =
            |name, comment, value: &str| (column(name, DataType::Utf8, comment), texts(rows.iter().map(|_| value)));
        vec![
            constant("table_name", "The table the row was meant for", &self.meant_for),
            text("tag_webid", "The series", |row| &row.series),
            text("raw_json", "The row as the historian sent it", |row| &row.raw),
            text("reason", "Why it was not written", |row| &row.reason),
            constant("pipeline", "The pipeline", &self.pipeline),
            constant("run_id", "The run, as in the runs table", &self.run.id()),
            (
                column("rejected_at", timestamp(), "Start of the run that rejected it first (UTC)"),
                instants(rows.iter().map(|_| Some(self.run.at))),
            ),
        ]
    }
}

/// File by file, so that the rejects themselves are never in memory, however many there are.
async fn known(root: &Root, schema: &str, name: &str) -> Result<HashSet<u64>> {
    let mut known = HashSet::new();
    let Some(table) = Table::open(root, schema, name).await? else { return Ok(known) };
    let failed = |error| unreadable(&table.name, error);
    for file in table.files()? {
        let opened = open(&table.store(), &table.name, &DataFile::Logged(file), &Arc::default()).await?;
        let mut batches = project(opened, ["table_name", "tag_webid", "raw_json"]).build().map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            let columns = Columns::new(&table.name, &batch);
            let (tables, series) = (columns.text("table_name")?, columns.text("tag_webid")?);
            for ((table, series), raw) in tables.into_iter().zip(series).zip(columns.text("raw_json")?) {
                known.insert(hash(&table.unwrap_or_default(), &series.unwrap_or_default(), &raw.unwrap_or_default()));
            }
        }
    }
    Ok(known)
}

fn hash(table: &str, series: &str, raw: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (table, series, raw).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{RUN, lake, number};

    fn reject(raw: &str) -> Reject {
        Reject { series: "s".into(), raw: raw.into(), reason: "not JSON".into() }
    }

    #[tokio::test]
    async fn a_reject_is_kept_once_however_often_it_is_met() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        Rejects::new(&lake, "t", RUN).append(vec![]).await.unwrap();
        assert!(!folder.path().join("checkpoints/x_rejects").exists());
        for _run in 0..2 {
            let mut rejects = Rejects::new(&lake, "t", RUN);
            rejects.append(vec![reject("{\"Value\": }"), reject("{\"Value\": }")]).await.unwrap();
            rejects.append(vec![reject("{\"Value\": }"), reject("other")]).await.unwrap();
        }
        Rejects::new(&lake, "u", RUN).append(vec![reject("other")]).await.unwrap();
        let sql = "SELECT count(*) FROM checkpoints.x_rejects WHERE raw_json = '{\"Value\": }' AND tag_webid = 's'";
        assert_eq!(number(&lake, sql).await, 1);
        assert_eq!(number(&lake, "SELECT count(*) FROM checkpoints.x_rejects").await, 3);
    }
}
