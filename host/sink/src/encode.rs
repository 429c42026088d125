//! Record batches into Parquet files of a bounded size, with bounded memory: one row group is held encoded, the rest
//! streams into the store. Arrays may come dictionary-encoded; what is written is plain text to every reader.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use deltalake::ObjectStore;
use deltalake::kernel::Add;
use deltalake::parquet::arrow::ArrowWriter;
use deltalake::parquet::arrow::arrow_writer::ArrowWriterOptions;
use deltalake::parquet::basic::{Compression, Encoding, ZstdLevel};
use deltalake::parquet::errors::ParquetError;
use deltalake::parquet::file::metadata::{ParquetMetaData, SortingColumn};
use deltalake::parquet::file::properties::{EnabledStatistics, WriterProperties};
use deltalake::parquet::schema::types::ColumnPath;
use tokio::sync::mpsc;

use crate::stats::{date_text, stats_json};
use crate::upload::{Piece, PieceWriter, upload};
use crate::{Error, Result};

/// A file is closed once it has grown to this many bytes.
const FILE_BYTES: usize = 128 << 20;
/// Rows and encoded bytes of a row group: what a reader skips or loads as one, and what the writer holds.
const GROUP_ROWS: usize = 1 << 20;
const GROUP_BYTES: usize = 32 << 20;

/// Where files go and what they look like.
#[derive(Clone)]
pub(crate) struct FileSpec {
    /// The columns of a file.
    pub schema: SchemaRef,
    /// How to encode them.
    pub properties: WriterProperties,
    /// `column=value/`, or nothing.
    pub folder: String,
    /// The partition's column and value.
    pub partition: HashMap<String, Option<String>>,
}

impl FileSpec {
    /// Files of a table without partitions.
    pub(crate) fn plain(schema: SchemaRef) -> Self {
        Self { properties: properties(&schema, None), schema, folder: String::new(), partition: HashMap::new() }
    }

    /// Files of a table whose rows are sorted by key and time.
    pub(crate) fn sorted(schema: SchemaRef, by: [&str; 2]) -> Self {
        Self { properties: properties(&schema, Some(by)), ..Self::plain(schema) }
    }

    /// The same for one partition: a date in days since the Unix epoch, where the table has a partition column.
    pub(crate) fn dated(&self, column: Option<&str>, date: i32) -> Self {
        let mut spec = self.clone();
        if let Some(column) = column {
            let value = date_text(date);
            spec.folder = format!("{column}={value}/");
            spec.partition = HashMap::from([(column.to_owned(), Some(value))]);
        }
        spec
    }
}

/// How to encode a table; `sorted` names the columns (key, time) that the rows are sorted by.
fn properties(schema: &Schema, sorted: Option<[&str; 2]>) -> WriterProperties {
    let zstd = ZstdLevel::try_new(1).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(zstd))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_write_batch_size(8_192)
        .set_created_by(concat!("tidegate ", env!("CARGO_PKG_VERSION")).to_owned());
    if let Some(sorted) = sorted {
        for column in sorted {
            builder = builder.set_column_statistics_enabled(ColumnPath::from(column), EnabledStatistics::Page);
        }
        let time = ColumnPath::from(sorted[1]);
        let column = |name: &&str| {
            let column_idx = i32::try_from(first_leaf(schema, name)).ok()?;
            Some(SortingColumn { column_idx, descending: false, nulls_first: false })
        };
        builder = builder
            .set_column_dictionary_enabled(time.clone(), false)
            .set_column_encoding(time, Encoding::DELTA_BINARY_PACKED)
            .set_sorting_columns(sorted.iter().map(column).collect());
    }
    builder.build()
}

/// Where a column's values stand among the leaves that Parquet counts: a nested column before it has several.
fn first_leaf(schema: &Schema, name: &str) -> usize {
    fn leaves(data_type: &DataType) -> usize {
        match data_type {
            DataType::List(field) | DataType::Map(field, _) => leaves(field.data_type()),
            DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
            _ => 1,
        }
    }
    let before = schema.fields().iter().take_while(|field| field.name() != name);
    before.map(|field| leaves(field.data_type())).sum()
}

/// Writes batches, in their order, to as many files as their size asks for.
///
/// # Errors
/// A batch that does not fit the schema, or a store that does not take the bytes; whatever was written is an orphan.
pub(crate) async fn write_files<I>(
    store: Arc<dyn ObjectStore>,
    table: &str,
    spec: FileSpec,
    batches: I,
) -> Result<Vec<Add>>
where
    I: Iterator<Item = Result<RecordBatch>> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(2);
    let (schema, properties) = (spec.schema, spec.properties);
    let encoder = tokio::task::spawn_blocking(move || encode(&schema, &properties, batches, &sender));
    let (encoded, uploaded) = tokio::join!(encoder, upload(store, spec.folder, receiver));
    let files = uploaded.map_err(|error| Error::storage("write a data file of", table, error))?;
    let metadata = match encoded {
        Ok(Ok(metadata)) => metadata,
        Ok(Err(Failure::Batch(error))) => return Err(error),
        Ok(Err(Failure::Parquet(error))) => return Err(Error::storage("encode rows of", table, error)),
        Err(error) => return Err(Error::storage("encode rows of", table, error)),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_millis()).unwrap_or_default();
    let add = |(file, metadata): (crate::upload::Stored, ParquetMetaData)| Add {
        path: file.path.to_string(),
        partition_values: spec.partition.clone(),
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        modification_time: i64::try_from(now).unwrap_or(i64::MAX),
        data_change: true,
        stats: Some(stats_json(&metadata)),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    };
    Ok(files.into_iter().zip(metadata).map(add).collect())
}

enum Failure {
    Batch(Error),
    Parquet(ParquetError),
}

impl From<ParquetError> for Failure {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

/// On a blocking thread: one [`ParquetMetaData`] per file handed over.
fn encode(
    schema: &SchemaRef,
    properties: &WriterProperties,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    sender: &mpsc::Sender<Piece>,
) -> Result<Vec<ParquetMetaData>, Failure> {
    let mut done = Vec::new();
    let mut open: Option<ArrowWriter<PieceWriter>> = None;
    for batch in batches {
        let batch = batch.map_err(Failure::Batch)?;
        let writer = match &mut open {
            Some(writer) => writer,
            // Without the Arrow schema inside the file: it would tell readers of dictionaries that are an accident of
            // how the rows arrived.
            None => {
                let options =
                    ArrowWriterOptions::new().with_properties(properties.clone()).with_skip_arrow_metadata(true);
                let sink = PieceWriter::new(sender.clone());
                open.insert(ArrowWriter::try_new_with_options(sink, Arc::clone(schema), options)?)
            }
        };
        writer.write(&batch)?;
        if writer.bytes_written() + writer.in_progress_size() >= FILE_BYTES
            && let Some(writer) = open.take()
        {
            done.push(close(writer)?);
        }
    }
    if let Some(writer) = open {
        done.push(close(writer)?);
    }
    Ok(done)
}

fn close(mut writer: ArrowWriter<PieceWriter>) -> Result<ParquetMetaData, Failure> {
    let metadata = writer.finish()?;
    writer.inner_mut().end().map_err(ParquetError::from)?;
    Ok(metadata)
}
