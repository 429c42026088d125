//! `describe` with any bytes as the schema of a table, and then a batch of what was declared.

use tidegate_sandbox::{Shape, fuzzing};
use tidegate_sink::fuzzing as lake;

use super::{Bytes, tables};

/// A byte for the shape, and the schema.
pub fn schemas(data: &[u8]) {
    let mut bytes = Bytes(data);
    let (shape, columns) = match bytes.below(3) {
        0 => (Shape::Events, ["tag_webid", "timestamp", "sequence", "", ""]),
        1 => (Shape::Records, ["database_id", "start_time", "", "event_frame_id", "end_time"]),
        _ => (Shape::Snapshot, [""; 5]),
    };
    let said = bytes.rest();
    let Ok(table) = fuzzing::table("x", shape, said.to_vec(), columns) else { return };
    let emitted = table.emitted_schema();
    assert!(!emitted.fields().is_empty() && emitted.fields().len() <= table.schema.fields().len());
    // A declaration that no lake can hold is refused there, before the first request.
    let Ok(columns) = lake::declared(&table.schema, shape != Shape::Snapshot) else { return };
    assert_eq!(columns, table.schema.fields().len());
    // An empty batch of it can be stored.
    let batch = fuzzing::batch(tables::stream(&emitted), &table).unwrap();
    assert_eq!(batch.num_rows(), 0);
    match shape {
        Shape::Events => {
            lake::events(&tables::events_spec(&table), &batch).unwrap();
        }
        Shape::Records => {
            lake::records(&tables::records_spec(&table), &batch).unwrap();
        }
        Shape::Snapshot => {
            // A snapshot may ask the host for columns that only events have; the sink says so when it is opened.
            let _ = lake::snapshot(&tables::snapshot_spec(&table), &batch);
        }
    }
}
