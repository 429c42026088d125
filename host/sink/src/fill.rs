//! The columns that the host fills: when a row was received, how late it was, and its UTC date.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, TimestampMicrosecondArray};
use tidegate_model::Instant;

use crate::batch::constant_instant;
use crate::layout::{Fill, Layout};
use crate::{Error, Result};

/// Microseconds of a day.
pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// The UTC date of an instant, in days since the Unix epoch; saturates beyond what a date holds.
pub(crate) fn event_date(micros: i64) -> i32 {
    let days = micros.div_euclid(DAY_MICROS);
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// Whole seconds from event to receipt, negative for what lies ahead; clamped to what the column holds.
fn delay_seconds(received: i64, event: i64) -> i32 {
    let seconds = received.saturating_sub(event) / 1_000_000;
    i32::try_from(seconds).unwrap_or(if seconds < 0 { i32::MIN } else { i32::MAX })
}

/// The rows as a data file holds them: emitted columns and filled ones in table order, the partition column left out.
pub(crate) fn file_batch(
    layout: &Layout,
    emitted: Vec<ArrayRef>,
    times: Option<&TimestampMicrosecondArray>,
    received: Instant,
) -> Result<RecordBatch> {
    let rows = emitted.first().map_or(0, |column| column.len());
    let mut emitted = emitted.into_iter();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(layout.fills.len());
    for fill in &layout.fills {
        match fill {
            None => columns.extend(emitted.next()),
            Some(Fill::IngestedAt) => columns.push(constant_instant(received, rows)),
            Some(Fill::DelaySeconds) => {
                let times = times.ok_or_else(|| Error::contract(&layout.table, "a delay needs a time column"))?;
                let received = received.micros();
                let delays = times.values().iter().map(|event| delay_seconds(received, *event));
                columns.push(Arc::new(Int32Array::from_iter_values(delays)));
            }
            Some(Fill::EventDate) => {}
        }
    }
    let schema = file_schema(layout, &columns);
    RecordBatch::try_new(schema, columns).map_err(|error| Error::contract(&layout.table, error.to_string()))
}

/// The file schema with the dictionaries that these arrays really have.
fn file_schema(layout: &Layout, columns: &[ArrayRef]) -> arrow::datatypes::SchemaRef {
    let fields = layout.file.fields().iter().zip(columns);
    let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
    Arc::new(arrow::datatypes::Schema::new(fields.collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_down_and_delays_clamp() {
        assert_eq!((event_date(0), event_date(-1), event_date(DAY_MICROS)), (0, -1, 1));
        assert_eq!(delay_seconds(5_900_000, 2_000_000), 3);
        assert_eq!(delay_seconds(0, 1_900_000), -1);
        assert_eq!((delay_seconds(i64::MAX, i64::MIN), delay_seconds(i64::MIN, i64::MAX)), (i32::MAX, i32::MIN));
    }
}
