//! Events gathered column by column, without an allocation per row.
//!
//! Strings that repeat for a whole series are dictionary-encoded: a key a row, and one copy of the text a batch.

mod columns;

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, StringBuilder,
        TimestampMicrosecondArray,
    },
    buffer::ScalarBuffer,
    datatypes::{Int32Type, SchemaRef},
    error::ArrowError,
};

use self::columns::{Flags, Numbers, Units};
use super::schema;
use crate::{Fault, ipc};

/// Bytes of text that a batch starts with room for; most events are numbers.
const TEXT: usize = 4 * 1024;

/// Up to here every integer is a double. Powers of two beyond are exact as well, but a reader should not have to know which.
pub const EXACT: u64 = 1 << 53;

/// What a stored value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A floating-point number.
    Float,
    /// A whole number; exact in `value_text` too where a double cannot hold it.
    Int,
    /// 0 or 1.
    Bool,
    /// Text.
    String,
    /// An instant as the value, as text.
    Timestamp,
    /// A state of a digital set: code and label.
    Digital,
    /// A state of the historian itself, such as `Shutdown`, on any tag.
    System,
    /// Several values, as JSON.
    Array,
    /// The historian's words for why there is no value.
    Error,
}

impl ValueType {
    /// All of them; the position is the dictionary key.
    const ALL: [Self; 9] = [
        Self::Float,
        Self::Int,
        Self::Bool,
        Self::String,
        Self::Timestamp,
        Self::Digital,
        Self::System,
        Self::Array,
        Self::Error,
    ];

    /// As stored in `value_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Timestamp => "timestamp",
            Self::Digital => "digital",
            Self::System => "system",
            Self::Array => "array",
            Self::Error => "error",
        }
    }
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Event time in microseconds since the Unix epoch.
    pub micros: i64,
    /// Number, 0 or 1, or code.
    pub value: Option<f64>,
    /// Text, label, name or JSON.
    pub text: Option<&'a str>,
    /// Which of them it is.
    pub value_type: ValueType,
    /// Unit of measure.
    pub units: Option<&'a str>,
    /// The historian calls it good.
    pub good: Option<bool>,
    /// The historian doubts it.
    pub questionable: Option<bool>,
    /// Entered or corrected by hand.
    pub substituted: Option<bool>,
    /// Carries an annotation.
    pub annotated: Option<bool>,
}

/// Gathers events of many series into one batch.
///
/// Call [`series`](Self::series) before the rows of each series, and push these in time order. `sequence` numbers the
/// rows of a series that fall into one microsecond, so a batch must hold all of such a group or none of it.
#[derive(Debug)]
pub struct TimeSeriesBuilder {
    schema: SchemaRef,
    ids: StringBuilder,
    names: StringBuilder,
    series: i32,
    keys: Vec<i32>,
    micros: Vec<i64>,
    value: Numbers,
    good: Flags,
    questionable: Flags,
    substituted: Flags,
    units: Units,
    text: StringBuilder,
    kinds: Vec<i32>,
    annotated: Flags,
    sequence: Vec<i32>,
    last: Option<i64>,
}

impl TimeSeriesBuilder {
    /// A builder with room for this many rows.
    #[must_use]
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            schema: schema::emitted_schema(),
            ids: StringBuilder::new(),
            names: StringBuilder::new(),
            series: -1,
            keys: Vec::with_capacity(rows),
            micros: Vec::with_capacity(rows),
            value: Numbers::with_capacity(rows),
            good: Flags::with_capacity(rows),
            questionable: Flags::with_capacity(rows),
            substituted: Flags::with_capacity(rows),
            units: Units::with_capacity(rows),
            text: StringBuilder::with_capacity(rows, TEXT),
            kinds: Vec::with_capacity(rows),
            annotated: Flags::with_capacity(rows),
            sequence: Vec::with_capacity(rows),
            last: None,
        }
    }

    /// The rows that follow belong to this series.
    pub fn series(&mut self, id: &str, name: &str) {
        self.ids.append_value(id);
        self.names.append_value(name);
        self.series += 1;
        self.last = None;
    }

    /// Adds an event to the series begun last.
    #[inline]
    pub fn push(&mut self, row: &Row<'_>) {
        let sequence = match (self.last, self.sequence.last()) {
            (Some(micros), Some(sequence)) if micros == row.micros => sequence + 1,
            _ => 0,
        };
        self.last = Some(row.micros);
        self.keys.push(self.series);
        self.micros.push(row.micros);
        self.value.push(row.value);
        self.good.push(row.good);
        self.questionable.push(row.questionable);
        self.substituted.push(row.substituted);
        self.units.push(row.units);
        match row.text {
            Some(text) => self.text.append_value(text),
            None => self.text.append_null(),
        }
        self.kinds.push(row.value_type as i32);
        self.annotated.push(row.annotated);
        self.sequence.push(sequence);
    }

    /// Rows so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The rows as a batch.
    ///
    /// # Errors
    /// A fault `ipc` when a row was pushed before any series was named.
    pub fn finish(self) -> Result<RecordBatch, Fault> {
        self.build().map_err(|error| Fault::internal("ipc", format!("a batch of events is not consistent: {error}")))
    }

    /// The rows as a stream for [`crate::host::emit`].
    ///
    /// # Errors
    /// As [`TimeSeriesBuilder::finish`].
    pub fn encode(self) -> Result<Vec<u8>, Fault> {
        ipc::batch(&self.finish()?)
    }

    fn build(mut self) -> Result<RecordBatch, ArrowError> {
        // Ids and names share their keys: one name for each series.
        let keys = Int32Array::new(ScalarBuffer::from(self.keys), None);
        let kinds = Int32Array::new(ScalarBuffer::from(self.kinds), None);
        let kind_names = StringArray::from_iter_values(ValueType::ALL.map(ValueType::name));
        let columns: Vec<ArrayRef> = vec![
            dictionary(keys.clone(), self.ids.finish())?,
            dictionary(keys, self.names.finish())?,
            Arc::new(TimestampMicrosecondArray::new(ScalarBuffer::from(self.micros), None).with_timezone("UTC")),
            Arc::new(Float64Array::from(self.value)),
            self.good.finish(),
            self.questionable.finish(),
            self.substituted.finish(),
            self.units.finish()?,
            Arc::new(self.text.finish()) as ArrayRef,
            dictionary(kinds, kind_names)?,
            self.annotated.finish(),
            Arc::new(Int32Array::new(ScalarBuffer::from(self.sequence), None)),
        ];
        RecordBatch::try_new(self.schema, columns)
    }
}

fn dictionary(keys: Int32Array, values: StringArray) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))?) as Arc<dyn Array>)
}

#[cfg(test)]
mod tests;
