//! Emits one event twice, with one timestamp and one sequence: two rows would share a key.

use std::sync::Arc;

use arrow::{
    array::{Int32Array, RecordBatch},
    error::ArrowError,
};
use tidegate_programs::{Plugin, Program};
use tidegate_sdk::{
    Cover, Fault, Span,
    events::{Row, TimeSeriesBuilder, ValueType},
    host, ipc, micros, register_extractor,
};

/// The misbehaviour.
#[derive(Debug)]
pub struct DoubledKey;

impl Program for DoubledKey {
    const NAME: &'static str = "doubledkey";

    async fn misbehave(table: &str, span: &Span) -> Result<(), Fault> {
        let mut batch = TimeSeriesBuilder::with_capacity(2);
        batch.series(&span.series.id, &span.series.name);
        for _twice in 0..2 {
            batch.push(&Row {
                micros: micros(span.interval.start),
                value: Some(1.0),
                text: None,
                value_type: ValueType::Float,
                units: None,
                good: Some(true),
                questionable: Some(false),
                substituted: Some(false),
                annotated: Some(false),
            });
        }
        let doubled = numbered_alike(&batch.finish()?).map_err(|error| Fault::internal("ipc", error.to_string()))?;
        host::emit(table, &ipc::batch(&doubled)?, &[Cover::new(span.series.id.as_str(), span.interval)]);
        Ok(())
    }
}

/// The batch with 0 as the sequence of every row, where the builder has numbered them.
fn numbered_alike(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let at = batch.schema().index_of("sequence")?;
    let mut columns = batch.columns().to_vec();
    if let Some(column) = columns.get_mut(at) {
        *column = Arc::new(Int32Array::from(vec![0; batch.num_rows()]));
    }
    RecordBatch::try_new(batch.schema(), columns)
}

/// The component.
pub type Registered = Plugin<DoubledKey>;

register_extractor!(Registered);
