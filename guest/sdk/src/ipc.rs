//! Arrow IPC: how schemas and batches cross to the host.
//!
//! The stream format with one schema and at most one batch. The batch's buffers are written once, into a vector that
//! is large enough from the start.

use arrow::{array::RecordBatch, datatypes::Schema, error::ArrowError, ipc::writer::StreamWriter};

use crate::Fault;

/// What the messages around the buffers take at most for a table of tens of columns, in bytes.
const FRAMING: usize = 16 * 1024;

/// A schema alone, as `describe` declares a table.
///
/// # Errors
/// A fault `ipc` when Arrow cannot encode a type of the schema.
pub fn schema(schema: &Schema) -> Result<Vec<u8>, Fault> {
    let encode = || StreamWriter::try_new(Vec::with_capacity(FRAMING), schema)?.into_inner();
    encode().map_err(failed)
}

/// A schema and one batch of rows, as [`crate::host::emit`] takes them.
///
/// # Errors
/// A fault `ipc` when Arrow cannot encode the batch.
pub fn batch(batch: &RecordBatch) -> Result<Vec<u8>, Fault> {
    let encode = || {
        let bytes = Vec::with_capacity(batch.get_array_memory_size() + FRAMING);
        let mut writer = StreamWriter::try_new(bytes, batch.schema_ref())?;
        writer.write(batch)?;
        writer.into_inner()
    };
    encode().map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn failed(error: ArrowError) -> Fault {
    Fault::internal("ipc", format!("a batch could not be encoded for the host: {error}; report this plugin's defect"))
}
