//! The bookmarks table: up to where the historian has told what it changed, one row per table and series, replaced as one
//! small file. They are hints: a lost row costs one full look-back and nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use tidegate_model::Instant;

use crate::batch::{Columns, instants, texts};
use crate::checkpoint::SHORT_RETENTION;
use crate::encode::{FileSpec, write_files};
use crate::lake::Lake;
use crate::layout::{Layout, timestamp};
use crate::scan::read_all;
use crate::table::{ATTEMPTS, Attempt, Declaration, Table};
use crate::watermarks::column;
use crate::{Error, Result};

/// Where a series stands in its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// `Series::id`.
    pub series: String,
    /// What the plugin gave, opaque.
    pub text: String,
    /// Start of the run that took it.
    pub taken_at: Instant,
    /// Start of the last run that read the whole look-back of the series; `None` where none has.
    pub full_lookback_at: Option<Instant>,
}

/// By table and series.
type Rows = HashMap<(String, String), Bookmark>;

impl Lake {
    /// The bookmarks of a table (its full name without schema), by series. Writes nothing.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub async fn bookmarks(&self, table: &str) -> Result<HashMap<String, Bookmark>> {
        let stored = Table::open(&self.root, &self.config.checkpoint_schema, &self.own_table("bookmarks")).await?;
        let Some(stored) = stored else { return Ok(HashMap::new()) };
        let rows = read(&stored).await?.into_iter();
        Ok(rows.filter(|((of, _), _)| of == table).map(|((_, series), row)| (series, row)).collect())
    }

    /// Puts these bookmarks of a table in the place of the old ones, and takes those of `gone` out.
    ///
    /// # Errors
    /// A store that refuses, or others that win every race.
    pub async fn keep_bookmarks(&self, table: &str, new: &[Bookmark], gone: &HashSet<String>) -> Result<()> {
        let (schema, name) = (self.config.checkpoint_schema.as_str(), self.own_table("bookmarks"));
        let layout = layout(format!("{schema}.{name}"))?;
        let comment = "Up to where the historian has told what it changed, one row per table and series";
        let declared = Declaration { schema, table: &name, comment, layout: &layout, properties: &SHORT_RETENTION };
        let mut stored = match Table::open(&self.root, schema, &name).await? {
            None if new.is_empty() => return Ok(()),
            _ => Table::open_or_create(&self.root, &declared).await?,
        };
        for _ in 0..ATTEMPTS {
            let before = read(&stored).await?;
            let mut rows = before.clone();
            rows.retain(|(of, series), _| of != table || !gone.contains(series));
            rows.extend(new.iter().map(|row| ((table.to_owned(), row.series.clone()), row.clone())));
            if !differ(&before, &rows) {
                return Ok(());
            }
            let spec = FileSpec::plain(Arc::clone(&layout.file));
            let batch = std::iter::once(batch(&layout, &rows));
            let adds = write_files(stored.store(), &stored.name, spec, batch).await?;
            match stored.overwrite(adds, None).await? {
                Attempt::Done => return Ok(()),
                Attempt::Lost => stored.reload().await?,
            }
        }
        Err(Error::Contended { table: stored.name, attempts: ATTEMPTS })
    }
}

/// Whether more than the time of taking has changed: a historian at rest needs no commit.
fn differ(before: &Rows, after: &Rows) -> bool {
    let same = |key: &(String, String), row: &Bookmark| {
        let old: Option<&Bookmark> = before.get(key);
        old.is_some_and(|old| old.text == row.text && old.full_lookback_at == row.full_lookback_at)
    };
    before.len() != after.len() || !after.iter().all(|(key, row)| same(key, row))
}

fn layout(table: String) -> Result<Layout> {
    let schema = Schema::new(vec![
        column("table_name", DataType::Utf8, "The table that the series belongs to"),
        column("tag_webid", DataType::Utf8, "The series"),
        column("bookmark", DataType::Utf8, "The plugin's mark, opaque: changes before it have been read"),
        column("taken_at", timestamp(), "Start of the run that took it (UTC)"),
        column("full_lookback_at", timestamp(), "Start of the last run that read the whole look-back (UTC)"),
    ]);
    Layout::new(table, &schema)
}

async fn read(table: &Table) -> Result<Rows> {
    let mut rows = Rows::new();
    for batch in read_all(table).await? {
        let columns = Columns::new(&table.name, &batch);
        let keys = columns.text("table_name")?.into_iter().zip(columns.text("tag_webid")?);
        let marks = columns.text("bookmark")?.into_iter().zip(columns.instants("taken_at")?);
        for (((of, series), (text, taken_at)), full) in keys.zip(marks).zip(columns.instants("full_lookback_at")?) {
            // A row that lacks anything is as good as none: the series is looked back on in full.
            if let (Some(of), Some(series), Some(text), Some(taken_at)) = (of, series, text, taken_at) {
                let row = Bookmark { series: series.clone(), text, taken_at, full_lookback_at: full };
                rows.insert((of, series), row);
            }
        }
    }
    Ok(rows)
}

fn batch(layout: &Layout, rows: &Rows) -> Result<RecordBatch> {
    let mut sorted: Vec<(&(String, String), &Bookmark)> = rows.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let rows = || sorted.iter();
    let columns = vec![
        texts(rows().map(|((table, _), _)| table.as_str())),
        texts(rows().map(|((_, series), _)| series.as_str())),
        texts(rows().map(|(_, row)| row.text.as_str())),
        instants(rows().map(|(_, row)| Some(row.taken_at))),
        instants(rows().map(|(_, row)| row.full_lookback_at)),
    ];
    RecordBatch::try_new(Arc::clone(&layout.file), columns)
        .map_err(|error| Error::contract(&layout.table, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lake, number};

    fn mark(series: &str, text: &str, at: i64) -> Bookmark {
        let at = Instant::from_micros(at);
        Bookmark {
            series: series.into(),
            text: text.into(),
            taken_at: at,
            full_lookback_at: (text != "new").then_some(at),
        }
    }

    #[tokio::test]
    async fn bookmarks_are_kept_by_table_and_series_until_they_are_replaced_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let none = HashSet::new();
        lake.keep_bookmarks("t", &[], &none).await.unwrap();
        assert!(lake.bookmarks("t").await.unwrap().is_empty());
        assert!(!folder.path().join("checkpoints/x_bookmarks").exists(), "no historian told anything: no table");
        lake.keep_bookmarks("t", &[mark("a", "new", 1), mark("b", "m_1", 1)], &none).await.unwrap();
        lake.keep_bookmarks("u", &[mark("a", "other", 1)], &none).await.unwrap();
        lake.keep_bookmarks("t", &[mark("a", "m_2", 2)], &HashSet::from(["b".to_owned()])).await.unwrap();
        assert_eq!(lake.bookmarks("t").await.unwrap(), HashMap::from([("a".into(), mark("a", "m_2", 2))]));
        assert_eq!(lake.bookmarks("u").await.unwrap(), HashMap::from([("a".into(), mark("a", "other", 1))]));
        assert_eq!(number(&lake, "SELECT count(*) FROM checkpoints.x_bookmarks").await, 2);
    }

    #[tokio::test]
    async fn a_historian_at_rest_needs_no_commit() {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder);
        let none = HashSet::new();
        let log = folder.path().join("checkpoints/x_bookmarks/_delta_log");
        let commits = || std::fs::read_dir(&log).unwrap().count();
        lake.keep_bookmarks("t", &[mark("a", "m_1", 1)], &none).await.unwrap();
        let before = commits();
        let later = Bookmark { taken_at: Instant::from_micros(9), ..mark("a", "m_1", 1) };
        lake.keep_bookmarks("t", std::slice::from_ref(&later), &none).await.unwrap();
        assert_eq!(commits(), before);
        let looked = Bookmark { full_lookback_at: Some(Instant::from_micros(9)), ..later };
        lake.keep_bookmarks("t", &[looked], &none).await.unwrap();
        assert_eq!(commits(), before + 1);
    }
}
