//! Arrow IPC bytes from a guest into record batches. The bytes are hostile until proven otherwise: their framing is
//! walked first, then the schema is compared with the declaration, so that Arrow meets no type that a table does not
//! have. It decodes with full validation, without copying what is aligned, and no panic inside of it reaches the host.

mod compare;
mod frames;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;

/// The schema of a stream without a batch.
///
/// # Errors
/// What is wrong with the bytes.
pub(crate) fn decode_schema(bytes: Vec<u8>) -> Result<SchemaRef, String> {
    let (schema, batches) = decode(bytes, |schema| Ok(Arc::clone(schema)))?;
    if batches.is_empty() { Ok(schema) } else { Err("it holds rows beside the schema".to_owned()) }
}

/// The rows of a stream as one batch with the columns of `declared`; a string column may stay dictionary-encoded, then
/// with keys of 32 bits.
///
/// # Errors
/// What is wrong with the bytes, or where they differ from the declaration.
pub(crate) fn decode_batch(bytes: Vec<u8>, declared: &SchemaRef) -> Result<RecordBatch, String> {
    let (schema, batches) = decode(bytes, |schema| compare::accept(schema, declared).map(Arc::new))?;
    let batch = match <[RecordBatch; 1]>::try_from(batches) {
        Ok([batch]) => batch,
        Err(batches) => {
            let first = batches.first().map_or_else(|| Arc::clone(&schema), RecordBatch::schema);
            guarded(|| concat_batches(&first, &batches))?
        }
    };
    compare::no_hidden_nulls(&batch, declared)?;
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| keyed(column, field.data_type())).collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema, columns).map_err(|error| error.to_string())
}

/// A dictionary with keys of the wanted width; anything else is as wanted already.
fn keyed(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    guarded(|| cast_with_options(column, wanted, &exact))
}

/// The batches of a stream whose schema passes `accept`, and what that makes of it. No batch of another one is decoded.
fn decode<S>(
    bytes: Vec<u8>,
    accept: impl FnOnce(&SchemaRef) -> Result<S, String>,
) -> Result<(S, Vec<RecordBatch>), String> {
    // The decoder takes a message for whole when the next one begins.
    let head = frames::check(&bytes)? + frames::CONTINUATION.len();
    let mut left = Buffer::from_vec(bytes);
    let mut first = left.slice_with_length(0, head);
    let mut decoder = StreamDecoder::new();
    guarded(|| decoder.decode(&mut first))?;
    let schema = decoder.schema().unwrap_or_else(|| Arc::new(Schema::empty()));
    let accepted = accept(&schema)?;
    left.advance(head);
    let batches = guarded(move || {
        let mut batches = Vec::new();
        while !left.is_empty() {
            if let Some(batch) = decoder.decode(&mut left)? {
                batches.push(batch);
            }
        }
        decoder.finish()?;
        Ok(batches)
    })?;
    Ok((accepted, batches))
}

/// Runs a decoder; what it reports, and what it dies of, becomes text. Nothing of it is used afterwards.
fn guarded<T>(run: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("it is no valid Arrow IPC stream: {error}")),
        Err(_) => Err("it is no valid Arrow IPC stream: the decoder gave up".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Float64Array, RecordBatchOptions, StringArray};
    use arrow::datatypes::{Field, Int8Type, Int32Type};
    use arrow::ipc::writer::StreamWriter;

    fn declared() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("tag", DataType::Utf8, false),
            Field::new("value", DataType::Float64, true),
        ]))
    }

    fn plain() -> RecordBatch {
        let tags: ArrayRef = Arc::new(StringArray::from(vec!["a", "a", "b"]));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(3.0)]));
        RecordBatch::try_new(declared(), vec![tags, values]).unwrap()
    }

    fn encode(batches: &[RecordBatch]) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
        for batch in batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
        writer.into_inner().unwrap()
    }

    fn dictionary(tags: DictionaryArray<Int32Type>) -> RecordBatch {
        let tags: ArrayRef = Arc::new(tags);
        RecordBatch::try_from_iter(vec![("tag", tags), ("value", Arc::clone(plain().column(1)))]).unwrap()
    }

    #[test]
    fn a_batch_comes_through_as_it_was() {
        assert_eq!(decode_batch(encode(&[plain()]), &declared()).unwrap(), plain());
    }

    #[test]
    fn several_batches_of_one_stream_become_one() {
        let batch = decode_batch(encode(&[plain(), plain()]), &declared()).unwrap();
        assert_eq!((batch.num_rows(), batch.slice(3, 3)), (6, plain()));
    }

    #[test]
    fn a_stream_without_rows_is_an_empty_batch() {
        assert_eq!(decode_batch(encode(&[plain().slice(0, 0)]), &declared()).unwrap().num_rows(), 0);
        let mut writer = StreamWriter::try_new(Vec::new(), &declared()).unwrap();
        writer.finish().unwrap();
        assert_eq!(decode_batch(writer.into_inner().unwrap(), &declared()).unwrap().num_rows(), 0);
    }

    #[test]
    fn strings_may_come_dictionary_encoded_and_stay_so() {
        let batch = dictionary(vec!["a", "a", "b"].into_iter().collect());
        let got = decode_batch(encode(std::slice::from_ref(&batch)), &declared()).unwrap();
        assert!(matches!(got.schema().field(0).data_type(), DataType::Dictionary(..)));
        assert!(!got.schema().field(0).is_nullable());
        assert_eq!(got.columns(), batch.columns());
    }

    #[test]
    fn a_dictionary_with_keys_of_another_width_is_the_same_text() {
        let narrow: DictionaryArray<Int8Type> = vec!["a", "a", "b"].into_iter().collect();
        let tags: ArrayRef = Arc::new(narrow);
        let batch = RecordBatch::try_from_iter(vec![("tag", tags), ("value", Arc::clone(plain().column(1)))]).unwrap();
        let got = decode_batch(encode(&[batch]), &declared()).unwrap();
        assert_eq!(got.columns(), dictionary(vec!["a", "a", "b"].into_iter().collect()).columns());
    }

    #[test]
    fn rows_without_bytes_are_refused_before_they_are_decoded() {
        let rows = RecordBatchOptions::new().with_row_count(Some(1 << 40));
        let empty = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &rows).unwrap();
        let refused = decode_batch(encode(&[empty]), &Arc::new(Schema::empty())).unwrap_err();
        assert!(refused.contains("1099511627776 rows in 0 bytes"), "{refused}");
    }

    #[test]
    fn a_null_in_a_column_that_has_none_is_refused_even_inside_a_dictionary() {
        let batch = dictionary(vec![Some("a"), None, Some("b")].into_iter().collect());
        let refused = decode_batch(encode(&[batch]), &declared()).unwrap_err();
        assert!(refused.contains("column 1 `tag` holds 1 null, the table declares it without"), "{refused}");
    }

    #[test]
    fn every_prefix_of_a_stream_is_refused() {
        for whole in [encode(&[plain(), plain()]), encode(&[dictionary(vec!["a", "a", "b"].into_iter().collect())])] {
            for length in 0..whole.len() {
                assert!(decode_batch(whole[..length].to_vec(), &declared()).is_err(), "{length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn a_damaged_stream_is_refused_or_a_valid_batch_and_never_ends_the_host() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        for whole in [encode(&[plain()]), encode(&[dictionary(vec!["a", "a", "b"].into_iter().collect())])] {
            for position in 0..whole.len() {
                for mask in [0x01, 0x80, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[position] ^= mask;
                    if let Ok(batch) = decode_batch(bytes, &declared()) {
                        assert!(batch.columns().iter().all(|column| column.to_data().validate_full().is_ok()));
                    }
                }
            }
        }
        std::panic::set_hook(quiet);
    }

    #[test]
    fn what_is_no_stream_is_refused() {
        for bytes in [&b""[..], b"\0", b"hello, world, this is no arrow", &[0xff; 64], &[0; 64]] {
            assert!(decode_batch(bytes.to_vec(), &declared()).is_err(), "{bytes:?}");
        }
        assert!(decode_schema(encode(&[plain()])).unwrap_err().contains("rows beside the schema"));
    }
}
