//! A data file without some of its rows. Delta files are never changed: the file leaves the table and a copy without the
//! rows enters, in one commit. Rows keep their order and every column that the table has, those of other writers included.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use deltalake::kernel::Add;
use futures::TryStreamExt;

use crate::encode::FileSpec;
use crate::files::DataFile;
use crate::scan::{open, unreadable};
use crate::stream::FileStream;
use crate::table::Table;
use crate::{Error, Result};

/// Copies a file, save for the rows that `keep` marks false; no rows left make no file. `sorted` names the columns that
/// the rows are sorted by. Memory is bounded by the encoder.
///
/// # Errors
/// A file that cannot be read, or of which another writer has deleted rows by a vector; a store that refuses.
pub(crate) async fn copy_without(
    table: &Table,
    file: &DataFile,
    sorted: [&str; 2],
    keep: impl Fn(&RecordBatch) -> Result<BooleanArray> + Send,
) -> Result<Vec<Add>> {
    let name = &table.name;
    if file.has_deleted_rows() {
        return Err(Error::Protocol { table: name.clone(), feature: "deletionVectors".to_owned() });
    }
    let store = table.store();
    let opened = open(&store, name, file, &Arc::default()).await?;
    let schema = copied(opened.schema(), &table.arrow_schema()?);
    let mut spec = FileSpec::sorted(Arc::clone(&schema), sorted);
    let path = file.path().to_string();
    spec.folder = path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    spec.partition = file.partition();
    let mut copy = FileStream::open(store, name, spec);
    let mut rows = opened.build().map_err(|error| unreadable(name, error))?;
    while let Some(batch) = rows.try_next().await.map_err(|error| unreadable(name, error))? {
        let kept = keep(&batch)?;
        let kept = filter_record_batch(&batch, &kept).and_then(|batch| typed(&batch, &schema));
        let kept = kept.map_err(|error| Error::storage("copy rows of", name, error))?;
        if kept.num_rows() > 0 {
            copy.write(kept).await?;
        }
    }
    copy.finish().await
}

/// The columns of the file that the table has, in the table's types: another writer may have stored them in wider ones.
fn copied(file: &Schema, table: &Schema) -> SchemaRef {
    let fields = file.fields().iter().filter_map(|field| table.field_with_name(field.name()).ok());
    Arc::new(Schema::new(fields.map(|field| field.clone().with_nullable(true)).collect::<Vec<_>>()))
}

fn typed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, arrow::error::ArrowError> {
    let column = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef, arrow::error::ArrowError> {
        let at = batch.schema().index_of(field.name())?;
        cast(batch.column(at), field.data_type())
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}
