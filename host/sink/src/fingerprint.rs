//! Rows as numbers, so that fresh rows can be compared with stored ones without keeping either: 64 bits a row, over the
//! emitted columns as they are stored. Two rows that differ agree with a probability of 2⁻⁶²; the hash is seeded anew by
//! each process, so nobody can send rows that collide on purpose, and a fingerprint means nothing to another process.
//!
//! How a row arrived does not matter: text may be dictionary-encoded or not, inner fields may have any names, a map's
//! entries any order. NULL equals NULL only. Floating-point numbers are their bits: `-0.0` is not `0.0`, and a NaN is
//! itself.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::LazyLock;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Int32Type, ToByteSlice};
use arrow::downcast_primitive_array;
use arrow::error::ArrowError;

use crate::{Error, Result};

static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
static NULL: LazyLock<u64> = LazyLock::new(|| SEED.hash_one("NULL"));

/// Odd, and one less is hardly even: cells that change places change the sum.
const STEP: u64 = 0x9e37_79b9_7f4a_7c17;

/// The fingerprint of each row of columns that have the declared types.
///
/// # Errors
/// A column of a type that cannot be compared.
pub(crate) fn fingerprints(table: &str, rows: usize, columns: &[ArrayRef]) -> Result<Vec<u64>> {
    let mut sums = vec![0_u64; rows];
    for column in columns {
        let cells = cells(column).map_err(|error| Error::contract(table, error.to_string()))?;
        for (sum, cell) in sums.iter_mut().zip(cells) {
            *sum = sum.wrapping_mul(STEP).wrapping_add(cell);
        }
    }
    Ok(sums)
}

/// Whether values of a type can be compared.
pub(crate) fn is_comparable(kind: &DataType) -> bool {
    match kind {
        DataType::Boolean | DataType::Utf8 | DataType::Binary => true,
        DataType::Struct(fields) => fields.iter().all(|field| is_comparable(field.data_type())),
        DataType::List(field) | DataType::Map(field, _) => is_comparable(field.data_type()),
        other => other.is_primitive(),
    }
}

fn cells(array: &dyn Array) -> Result<Vec<u64>, ArrowError> {
    let nulls = array.logical_nulls();
    let nulls = nulls.as_ref();
    downcast_primitive_array!(
        array => Ok(each(nulls, array.values().iter().map(|value| number(value.to_byte_slice())))),
        DataType::Boolean => Ok(each(nulls, array.as_boolean().values().iter().map(|value| number(&[u8::from(value)])))),
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            Ok(repeated(nulls, array.offsets(), array.values()))
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            Ok(repeated(nulls, array.offsets(), array.values()))
        }
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = cells(dictionary.values())?;
            let value = |key: &i32| usize::try_from(*key).ok().and_then(|key| values.get(key)).copied();
            Ok(each(nulls, dictionary.keys().values().iter().map(|key| value(key).unwrap_or(*NULL))))
        }
        DataType::Struct(_) => {
            let mut sums = vec![0_u64; array.len()];
            for column in array.as_struct().columns() {
                for (sum, cell) in sums.iter_mut().zip(cells(column)?) {
                    *sum = sum.wrapping_mul(STEP).wrapping_add(cell);
                }
            }
            Ok(each(nulls, sums.into_iter()))
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let cells = cells(list.values())?;
            let in_order = |sum: u64, cell: &u64| sum.wrapping_mul(STEP).wrapping_add(*cell);
            Ok(each(nulls, ranges(list.offsets()).map(|range| gathered(&cells, range, in_order))))
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let entries = cells(map.entries())?;
            // A sum of what was hashed once more: the order of entries does not show, their pairing does.
            let entries: Vec<u64> = entries.into_iter().map(|entry| SEED.hash_one(entry)).collect();
            let any_order = |sum: u64, entry: &u64| sum.wrapping_add(*entry);
            Ok(each(nulls, ranges(map.offsets()).map(|range| gathered(&entries, range, any_order))))
        }
        other => Err(ArrowError::NotYetImplemented(format!("values of type {other} cannot be compared"))),
    )
}

/// A hash for each row: of its value, or of NULL.
fn each(nulls: Option<&NullBuffer>, values: impl Iterator<Item = u64>) -> Vec<u64> {
    match nulls {
        None => values.collect(),
        Some(nulls) => nulls.iter().zip(values).map(|(valid, value)| if valid { value } else { *NULL }).collect(),
    }
}

fn number(bytes: &[u8]) -> u64 {
    let mut wide = [0_u8; 8];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            SEED.hash_one(u64::from_le_bytes(wide))
        }
        None => SEED.hash_one(bytes),
    }
}

/// Texts, where the same one often comes many times in a row.
fn repeated(nulls: Option<&NullBuffer>, offsets: &OffsetBuffer<i32>, bytes: &[u8]) -> Vec<u64> {
    let mut last: Option<(&[u8], u64)> = None;
    let texts = ranges(offsets).map(|range| {
        let text = bytes.get(range).unwrap_or_default();
        match last {
            Some((known, hash)) if known == text => hash,
            _ => {
                let hash = SEED.hash_one(text);
                last = Some((text, hash));
                hash
            }
        }
    });
    each(nulls, texts)
}

fn ranges<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> impl Iterator<Item = Range<usize>> + '_ {
    offsets.iter().zip(offsets.iter().skip(1)).map(|(start, end)| start.as_usize()..end.as_usize())
}

fn gathered(cells: &[u64], range: Range<usize>, gather: impl Fn(u64, &u64) -> u64) -> u64 {
    let length = range.len();
    SEED.hash_one((length, cells.get(range).unwrap_or_default().iter().fold(0, gather)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        DictionaryArray, Float64Array, Int32Array, ListBuilder, MapBuilder, StringArray, StringBuilder,
    };

    use super::*;

    fn of(columns: &[ArrayRef]) -> Vec<u64> {
        fingerprints("t", columns[0].len(), columns).unwrap()
    }

    fn all_differ(prints: &[u64]) {
        let distinct: std::collections::HashSet<_> = prints.iter().collect();
        assert_eq!(distinct.len(), prints.len());
    }

    #[test]
    fn how_text_is_encoded_does_not_show() {
        let texts = [Some("a"), Some("a"), None, Some(""), Some("b")];
        let plain: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let dictionary: ArrayRef = Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>());
        // A NULL that is a value of the dictionary instead of a missing key.
        let values = Arc::new(StringArray::from(vec![None, Some("b"), Some("a"), Some("")]));
        let keys = Int32Array::from(vec![2, 2, 0, 3, 1]);
        let inside: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).unwrap());
        let prints = of(&[Arc::clone(&plain)]);
        assert_eq!(prints, of(&[dictionary]));
        assert_eq!(prints, of(&[inside]));
        assert_eq!(prints[0], prints[1]);
        all_differ(&prints[1..]);
        assert_eq!(of(&[plain.slice(1, 3)]), prints[1..4]);
    }

    #[test]
    fn numbers_are_their_bits_and_null_is_none_of_them() {
        let odd_nan = f64::from_bits(0x7ff8_0000_0000_0001);
        let values = [Some(0.0), Some(-0.0), Some(f64::NAN), Some(odd_nan), None, Some(1.0)];
        let prints = of(&[Arc::new(Float64Array::from(values.to_vec()))]);
        all_differ(&prints);
        assert_eq!(prints, of(&[Arc::new(Float64Array::from(values.to_vec()))]));
    }

    #[test]
    fn a_value_in_another_column_is_another_row() {
        let a: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None, Some(1)]));
        let b: ArrayRef = Arc::new(Int32Array::from(vec![Some(2), Some(1), Some(1), None]));
        all_differ(&of(&[a, b]));
    }

    #[test]
    fn the_order_of_a_list_shows_and_that_of_a_map_does_not() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for list in [Some(vec!["a", "b"]), Some(vec!["b", "a"]), Some(vec!["ab"]), Some(vec![]), None] {
            lists.append_option(list.map(|list| list.into_iter().map(Some)));
        }
        all_differ(&of(&[Arc::new(lists.finish())]));

        let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        let rows: [&[(&str, Option<&str>)]; 5] = [
            &[("k", Some("1")), ("l", Some("2"))],
            &[("l", Some("2")), ("k", Some("1"))],
            &[("k", Some("2")), ("l", Some("1"))],
            &[("k", Some("1")), ("l", None)],
            &[],
        ];
        for row in rows {
            for (key, value) in row {
                maps.keys().append_value(key);
                maps.values().append_option(*value);
            }
            maps.append(true).unwrap();
        }
        maps.append(false).unwrap();
        let prints = of(&[Arc::new(maps.finish())]);
        assert_eq!(prints[0], prints[1]);
        all_differ(&prints[1..]);
    }
}
