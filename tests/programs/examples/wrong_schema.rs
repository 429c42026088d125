//! Emits a batch of other columns than its table declares.

use std::sync::Arc;

use arrow::{
    array::{Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use tidegate_programs::{Plugin, Program};
use tidegate_sdk::{Cover, Fault, Span, host, ipc, register_extractor};

/// The misbehaviour.
#[derive(Debug)]
pub struct WrongSchema;

impl Program for WrongSchema {
    const NAME: &'static str = "wrongschema";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let fields = vec![
            Field::new("tag_webid", DataType::Utf8, false),
            Field::new("timestamp", DataType::Int64, false),
            Field::new("colour", DataType::Utf8, true),
        ];
        let batch = RecordBatch::try_new(
            Arc::new(Schema::new(fields)),
            vec![
                Arc::new(StringArray::from(vec![span.series.id.as_str()])),
                Arc::new(Int64Array::from(vec![span.interval.start])),
                Arc::new(StringArray::from(vec!["blue"])),
            ],
        );
        let batch = batch.map_err(|error| Fault::internal("ipc", error.to_string()))?;
        host::emit(table, &ipc::batch(&batch)?, &[Cover::new(span.series.id.as_str(), span.interval)]);
        Ok(())
    }
}

/// The component.
pub type Registered = Plugin<WrongSchema>;

register_extractor!(Registered);
