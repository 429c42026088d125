//! Reads data files without the SQL engine: whole small tables that the host keeps for itself, and columns of large ones.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use deltalake::ObjectStore;
use deltalake::parquet::arrow::arrow_reader::ArrowReaderOptions;
use deltalake::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use deltalake::parquet::errors::ParquetError;
use deltalake::parquet::file::metadata::PageIndexPolicy;
use futures::TryStreamExt;

use crate::files::DataFile;
use crate::reader::{FileReader, Reads};
use crate::table::Table;
use crate::{Error, Result};

/// Rows handed over at once.
const BATCH_ROWS: usize = 8_192;

/// A data file that is about to be read.
pub(crate) type Opened = ParquetRecordBatchStreamBuilder<FileReader>;

/// Opens a data file of a table: reads its footer, and its page index where it has one. `reads` counts what is read of it.
pub(crate) async fn open(
    store: &Arc<dyn ObjectStore>,
    table: &str,
    file: &DataFile,
    reads: &Arc<Reads>,
) -> Result<Opened> {
    let reader = FileReader::new(Arc::clone(store), file, Arc::clone(reads));
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let opened = Opened::new_with_options(reader, options).await.map_err(|error| unreadable(table, error))?;
    Ok(opened.with_batch_size(BATCH_ROWS))
}

/// A stored file that cannot be read.
pub(crate) fn unreadable(table: &str, error: ParquetError) -> Error {
    Error::storage("read stored rows of", table, error)
}

/// Only the columns of these names; those that the file lacks are passed over.
pub(crate) fn project<'a>(opened: Opened, columns: impl IntoIterator<Item = &'a str>) -> Opened {
    let mask = ProjectionMask::columns(opened.parquet_schema(), columns);
    opened.with_projection(mask)
}

/// A column of stored rows in the type that it is declared with. What the file lacks is NULL: it is older than the column.
///
/// # Errors
/// A column of another kind.
pub(crate) fn stored_column(table: &str, batch: &RecordBatch, name: &str, declared: &DataType) -> Result<ArrayRef> {
    let Some(column) = batch.column_by_name(name) else {
        return Ok(new_null_array(declared, batch.num_rows()));
    };
    if column.data_type() == declared {
        return Ok(Arc::clone(column));
    }
    cast(column, declared).map_err(|error| Error::Damaged {
        place: format!("a data file of table {table}"),
        what: format!("column {name} has another type: {error}"),
    })
}

/// All columns of `schema`, of stored rows.
pub(crate) fn stored_columns(table: &str, batch: &RecordBatch, schema: &SchemaRef) -> Result<Vec<ArrayRef>> {
    let columns = schema.fields().iter().map(|field| stored_column(table, batch, field.name(), field.data_type()));
    columns.collect()
}

/// All rows. Only for tables without partitions, whose size is bounded by the number of series or gaps.
pub(crate) async fn read_all(table: &Table) -> Result<Vec<RecordBatch>> {
    let failed = |error| Error::storage("read table", &table.name, error);
    let store = table.store();
    let mut batches = Vec::new();
    for file in table.files()? {
        let opened = open(&store, &table.name, &DataFile::Logged(file), &Arc::default()).await?;
        let rows: Vec<_> = opened.build().map_err(failed)?.try_collect().await.map_err(failed)?;
        batches.extend(rows);
    }
    Ok(batches)
}
