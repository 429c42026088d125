//! Columns that may hold NULL, gathered in the cheapest form that Arrow takes over without a copy.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, Int32Array, StringArray},
    buffer::ScalarBuffer,
    error::ArrowError,
};

/// The validity bitmap costs nothing until the first NULL.
#[derive(Debug)]
struct Validity {
    rows: usize,
    bits: Option<BooleanBufferBuilder>,
}

impl Validity {
    fn new() -> Self {
        Self { rows: 0, bits: None }
    }

    #[inline]
    fn push(&mut self, valid: bool) {
        if let Some(bits) = &mut self.bits {
            bits.append(valid);
        } else if !valid {
            let mut bits = BooleanBufferBuilder::new(self.rows + 1);
            bits.append_n(self.rows, true);
            bits.append(false);
            self.bits = Some(bits);
        }
        self.rows += 1;
    }

    fn finish(self) -> Option<arrow::buffer::NullBuffer> {
        self.bits.map(|mut bits| arrow::buffer::NullBuffer::new(bits.finish()))
    }
}

/// Doubles or NULL.
#[derive(Debug)]
pub(super) struct Numbers {
    values: Vec<f64>,
    validity: Validity,
}

impl Numbers {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { values: Vec::with_capacity(rows), validity: Validity::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, value: Option<f64>) {
        self.values.push(value.unwrap_or(0.0));
        self.validity.push(value.is_some());
    }
}

impl From<Numbers> for Float64Array {
    fn from(numbers: Numbers) -> Self {
        Self::new(ScalarBuffer::from(numbers.values), numbers.validity.finish())
    }
}

/// Booleans or NULL.
#[derive(Debug)]
pub(super) struct Flags {
    values: BooleanBufferBuilder,
    validity: Validity,
}

impl Flags {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { values: BooleanBufferBuilder::new(rows), validity: Validity::new() }
    }

    #[inline]
    pub(super) fn push(&mut self, flag: Option<bool>) {
        self.values.append(flag.unwrap_or(false));
        self.validity.push(flag.is_some());
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        Arc::new(BooleanArray::new(self.values.finish(), self.validity.finish())) as Arc<dyn Array>
    }
}

/// Units of measure: few in a batch, and mostly the same as in the row before.
#[derive(Debug)]
pub(super) struct Units {
    keys: Vec<i32>,
    validity: Validity,
    known: HashMap<String, i32>,
    names: Vec<String>,
    last: usize,
}

impl Units {
    pub(super) fn with_capacity(rows: usize) -> Self {
        let keys = Vec::with_capacity(rows);
        Self { keys, validity: Validity::new(), known: HashMap::new(), names: Vec::new(), last: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, units: Option<&str>) {
        let key = match units {
            None => 0,
            Some(units) if self.names.get(self.last).is_some_and(|name| name == units) => {
                i32::try_from(self.last).unwrap_or(0)
            }
            Some(units) => self.intern(units),
        };
        self.keys.push(key);
        self.validity.push(units.is_some());
    }

    fn intern(&mut self, units: &str) -> i32 {
        let key = match self.known.get(units) {
            Some(key) => *key,
            None => {
                // A batch has fewer rows than keys have values, so this conversion cannot fail.
                let key = i32::try_from(self.names.len()).unwrap_or(i32::MAX);
                self.names.push(units.to_owned());
                self.known.insert(units.to_owned(), key);
                key
            }
        };
        self.last = usize::try_from(key).unwrap_or(0);
        key
    }

    pub(super) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let keys = Int32Array::new(ScalarBuffer::from(self.keys), self.validity.finish());
        super::dictionary(keys, StringArray::from_iter_values(self.names))
    }
}
