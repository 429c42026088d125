//! Stored records without an end. One of them may be ended afterwards at a time that no look-back reaches any more, so
//! whoever reads must know where to look.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use futures::TryStreamExt;
use tidegate_model::Instant;

use super::page::Shape;
use crate::Result;
use crate::files::{DataFile, Listing};
use crate::layout::timestamp;
use crate::scan::{project, stored_column, unreadable};
use crate::stats::FileStats;

/// When the stored records without an end began, by series. Only files whose statistics allow such a record are read, and
/// of these three columns.
pub(super) async fn starts(shape: &Shape, files: &Listing) -> Result<HashMap<String, BTreeSet<Instant>>> {
    let mut starts: HashMap<String, BTreeSet<Instant>> = HashMap::new();
    for file in files.select(|_date, file| may_hold(shape, file)) {
        let failed = |error| unreadable(&files.table, error);
        let opened = files.open(&file).await?;
        let mut batches = project(opened, [&*shape.series, &*shape.time, &*shape.end]).build().map_err(failed)?;
        while let Some(batch) = batches.try_next().await.map_err(failed)? {
            let series = stored_column(&files.table, &batch, &shape.series, &DataType::Utf8)?;
            let start = stored_column(&files.table, &batch, &shape.time, &timestamp())?;
            let end = stored_column(&files.table, &batch, &shape.end, &timestamp())?;
            let (series, start) = (series.as_string::<i32>(), start.as_primitive::<TimestampMicrosecondType>());
            for row in (0..batch.num_rows()).filter(|row| end.is_null(*row) && start.is_valid(*row)) {
                let began = Instant::from_micros(start.value(row));
                starts.entry(series.value(row).to_owned()).or_default().insert(began);
            }
        }
    }
    Ok(starts)
}

fn may_hold(shape: &Shape, file: &DataFile) -> bool {
    let stats = file.stats().and_then(|text| FileStats::parse(&text));
    stats.is_none_or(|stats| stats.nulls(&shape.end) != Some(0))
}
