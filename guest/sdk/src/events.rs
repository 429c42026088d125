//! The shared table of events: every historian's plugin fills the same columns, so that a UNION over all of them is a
//! view.

mod builder;
mod schema;

pub use builder::{EXACT, Row, TimeSeriesBuilder, ValueType};
pub use schema::{emitted_schema, field, host_field, schema};
