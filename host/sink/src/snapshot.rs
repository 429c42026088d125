//! Tables that hold the state of now: every refresh replaces all rows in one commit, so that a reader sees the old state
//! or the new one and nothing between.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::batch::fitted;
use crate::encode::{FileSpec, write_files};
use crate::fill::file_batch;
use crate::lake::{Lake, RunStamp};
use crate::layout::{Fill, Layout};
use crate::location::checked_name;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::{Error, Result};

/// A table of the state of now, as a plugin declares it.
#[derive(Clone, Debug)]
pub struct SnapshotSpec {
    /// Its full name without schema: `<prefix>_points`.
    pub table: String,
    /// What it holds, for its readers.
    pub comment: String,
    /// All columns in table order; of the `host` columns only `ingested-at` is known here.
    pub schema: SchemaRef,
}

impl Lake {
    /// Replaces all rows of a table by these (emitted columns), in one commit; no rows leave an empty table. Returns the
    /// number of rows.
    ///
    /// # Errors
    /// Rows that do not fit the declaration; a declaration that conflicts with what is stored; a store that refuses. The
    /// old rows then stand.
    pub async fn replace_snapshot(&self, spec: SnapshotSpec, batches: Vec<RecordBatch>, run: RunStamp) -> Result<u64> {
        checked_name("table", &spec.table)?;
        let schema = &self.config.schema;
        let layout = Layout::new(format!("{schema}.{}", spec.table), &spec.schema)?;
        if layout.fills.iter().flatten().any(|fill| *fill != Fill::IngestedAt) {
            return Err(Error::contract(&layout.table, "a snapshot has no event time to fill columns from"));
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let mut filled = Vec::with_capacity(batches.len());
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let columns = fitted(&layout.table, &layout.emitted, batch)?;
            filled.push(Ok(file_batch(&layout, columns, None, run.at)?));
        }
        let declared =
            Declaration { schema, table: &spec.table, comment: &spec.comment, layout: &layout, properties: &[] };
        let mut table = Table::open_or_create(&self.root, &declared).await?;
        let file = FileSpec::plain(Arc::clone(&layout.file));
        let adds = write_files(table.store(), &table.name, file, filled.into_iter()).await?;
        for _ in 0..ATTEMPTS {
            match table.overwrite(adds.iter().cloned().map(Into::into).collect(), None).await? {
                Attempt::Done => return Ok(rows as u64),
                Attempt::Lost => table.reload().await?,
            }
        }
        Err(Error::Contended { table: table.name, attempts: ATTEMPTS })
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, ListArray, StringArray};
    use arrow::datatypes::{DataType, Field, Int32Type, Schema};

    use super::*;
    use crate::layout::timestamp;
    use crate::testing::{RUN, field, lake, number};

    fn spec() -> SnapshotSpec {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
        let fields = vec![
            field("id", DataType::Utf8, None),
            field("tags", list, None),
            field("updated", timestamp(), Some("ingested-at")),
        ];
        SnapshotSpec { table: "x_points".into(), comment: "points".into(), schema: Arc::new(Schema::new(fields)) }
    }

    fn rows(ids: &[&str]) -> RecordBatch {
        let mut tags = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
        for id in ids {
            tags.append_value([Some(*id), None]);
        }
        let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
        let tags: ListArray = tags.finish();
        RecordBatch::try_from_iter([("id", ids), ("tags", Arc::new(tags) as ArrayRef)]).unwrap()
    }

    #[tokio::test]
    async fn each_refresh_replaces_all_rows_in_one_commit_and_none_leave_an_empty_table() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        assert_eq!(lake.replace_snapshot(spec(), vec![], RUN).await.unwrap(), 0);
        assert_eq!(number(&lake, "SELECT count(*) FROM x_points").await, 0);
        assert_eq!(lake.replace_snapshot(spec(), vec![rows(&["a", "b"]), rows(&["c"])], RUN).await.unwrap(), 3);
        let before = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap().version();
        assert_eq!(lake.replace_snapshot(spec(), vec![rows(&["d"])], RUN).await.unwrap(), 1);
        let table = Table::open(&lake.root, "bronze", "x_points").await.unwrap().unwrap();
        assert_eq!(table.version(), before + 1);
        let sql = "SELECT count(*) FROM x_points WHERE id = 'd' AND tags[1] = 'd' AND updated = to_timestamp_seconds(1700000000)";
        assert_eq!((number(&lake, sql).await, number(&lake, "SELECT count(*) FROM x_points").await), (1, 1));
        let infos = lake.tables().await.unwrap();
        assert_eq!((infos[0].name.as_str(), infos[0].files, infos[0].rows), ("x_points", 1, Some(1)));
    }

    #[tokio::test]
    async fn a_lake_that_does_not_exist_has_no_tables_and_reading_it_makes_none() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::LakeConfig {
            location: folder.path().join("none").display().to_string(),
            ..crate::testing::config(&folder)
        };
        let lake = Lake::open(config).unwrap();
        assert_eq!(lake.tables().await.unwrap(), []);
        assert_eq!(lake.watermarks().await.unwrap(), []);
        assert_eq!(lake.gaps().await.unwrap().rows(), []);
        let error = lake.query("SELECT * FROM x_points").await.unwrap_err().to_string();
        assert!(error.contains("x_points"), "{error}");
        assert!(!folder.path().join("none").exists());
    }

    #[tokio::test]
    async fn rows_that_do_not_fit_leave_the_old_ones() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        lake.replace_snapshot(spec(), vec![rows(&["a"])], RUN).await.unwrap();
        let wrong: ArrayRef = Arc::new(arrow::array::PrimitiveArray::<Int32Type>::from(vec![1]));
        let wrong = RecordBatch::try_from_iter([("id", wrong.clone()), ("tags", wrong)]).unwrap();
        let error = lake.replace_snapshot(spec(), vec![rows(&["b"]), wrong], RUN).await.unwrap_err().to_string();
        assert!(error.contains("column id comes as Int32, declared is Utf8"), "{error}");
        assert_eq!(number(&lake, "SELECT count(*) FROM x_points WHERE id = 'a'").await, 1);
    }
}
