//! A batch on its way out: what its table looks like, and how a full buffer becomes files and one commit.

use std::sync::Arc;

use arrow::datatypes::DataType;
use deltalake::kernel::Add;
use futures::{StreamExt, TryStreamExt};

use super::EventsSpec;
use crate::buffer::Buffer;
use crate::coverage::Coverage;
use crate::encode::{FileSpec, properties, write_files};
use crate::lane::Lane;
use crate::layout::{Layout, timestamp};
use crate::rejects::{Reject, Rejects};
use crate::stats::date_text;
use crate::{Error, Result};

/// Files of one batch that are encoded at the same time.
const ENCODERS: usize = 2;

/// What background work needs to know of the table; fixed while it is open.
pub(super) struct Shape {
    pub layout: Layout,
    /// Emitted positions of series, time and sequence.
    pub emitted: [usize; 3],
    /// File positions of time and sequence.
    pub order: [usize; 2],
    pub file: FileSpec,
}

impl Shape {
    /// Reads a declaration.
    ///
    /// # Errors
    /// A key column that is missing, filled by the host, or of another type than the contract says.
    pub(super) fn new(table: String, spec: &EventsSpec) -> Result<Self> {
        let layout = Layout::new(table, &spec.schema)?;
        let emitted = [
            layout.emitted_index("series", &spec.series_column, &DataType::Utf8)?,
            layout.emitted_index("time", &spec.time_column, &timestamp())?,
            layout.emitted_index("sequence", &spec.sequence_column, &DataType::Int32)?,
        ];
        let position = |column: &str| {
            layout.file.index_of(column).map_err(|error| Error::contract(&layout.table, error.to_string()))
        };
        let (series, time) = (position(&spec.series_column)?, position(&spec.time_column)?);
        let order = [time, position(&spec.sequence_column)?];
        let properties = properties(Some([(&spec.series_column, series), (&spec.time_column, time)]));
        let file = FileSpec { schema: Arc::clone(&layout.file), properties, folder: String::new(), partition: None };
        Ok(Self { layout, emitted, order, file })
    }
}

/// What waits for its commit.
#[derive(Default)]
pub(super) struct Batch {
    pub buffer: Buffer,
    pub coverage: Coverage,
    rejects: Vec<Reject>,
    reject_bytes: usize,
}

impl Batch {
    pub(super) fn take_rejects(&mut self, rejects: Vec<Reject>) {
        let size = |reject: &Reject| size_of::<Reject>() + reject.series.len() + reject.raw.len() + reject.reason.len();
        self.reject_bytes += rejects.iter().map(size).sum::<usize>();
        self.rejects.extend(rejects);
    }

    /// Bytes that it keeps alive.
    pub(super) fn bytes(&self) -> usize {
        self.buffer.bytes + self.reject_bytes
    }
}

/// Where a batch goes.
pub(super) struct Outlets {
    pub lane: Lane,
    pub rejects: Rejects,
}

/// A batch that is committed.
pub(super) struct Arrived {
    /// Free for the next.
    pub outlets: Outlets,
    /// Its files.
    pub adds: Vec<Add>,
    /// Its rows.
    pub rows: u64,
}

/// Encodes the rows, date by date, and commits them as one batch. Rejects go first: a run that dies in between reads them
/// again, and keeps them once.
pub(super) async fn commit(shape: Arc<Shape>, mut outlets: Outlets, batch: Batch) -> Result<Arrived> {
    let Batch { buffer, coverage, rejects, .. } = batch;
    outlets.rejects.append(rejects).await?;
    let lane = &mut outlets.lane;
    let rows = buffer.rows as u64;
    let dates = buffer.into_dates(&shape.layout, shape.order);
    let files = dates.into_iter().map(|(date, rows)| {
        let mut spec = shape.file.clone();
        if let Some(column) = &shape.layout.partition {
            let value = date_text(date);
            spec.folder = format!("{column}={value}/");
            spec.partition = Some((column.clone(), value));
        }
        write_files(lane.table().store(), &shape.layout.table, spec, rows)
    });
    let adds: Vec<_> = futures::stream::iter(files).buffered(ENCODERS).try_concat().await?;
    lane.write(adds.clone(), coverage).await?;
    Ok(Arrived { outlets, adds, rows })
}
