//! Reads the small tables that the host keeps for itself, whole.

use arrow::array::RecordBatch;
use deltalake::parquet::arrow::ParquetRecordBatchStreamBuilder;
use futures::TryStreamExt;

use crate::files::DataFile;
use crate::reader::FileReader;
use crate::table::Table;
use crate::{Error, Result};

/// All rows. Only for tables without partitions, whose size is bounded by the number of series or gaps.
pub(crate) async fn read_all(table: &Table) -> Result<Vec<RecordBatch>> {
    let failed = |error| Error::storage("read table", &table.name, error);
    let mut batches = Vec::new();
    for file in table.files()? {
        let stream = ParquetRecordBatchStreamBuilder::new(FileReader::new(table.store(), &DataFile::Logged(file)))
            .await
            .and_then(|builder| builder.build());
        let rows: Vec<_> = stream.map_err(failed)?.try_collect().await.map_err(failed)?;
        batches.extend(rows);
    }
    Ok(batches)
}
