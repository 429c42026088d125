//! Rows of a table as JSON objects.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Number, Value};

/// One object a row. Numbers stay numbers, except NaN and the infinities, which JSON lacks and which become text; lists and
/// structs keep their form; maps become objects; everything else is text, times as RFC 3339.
///
/// # Errors
/// A value that cannot be shown.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let mut rows = Vec::new();
    for batch in batches {
        let start = rows.len();
        rows.resize_with(start + batch.num_rows(), Map::new);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            for (row, value) in rows.iter_mut().skip(start).zip(values(column)?) {
                row.insert(field.name().clone(), value);
            }
        }
    }
    Ok(rows)
}

fn values(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let plain = match column.data_type() {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => column.as_boolean().iter().map(|value| value.map_or(Value::Null, Value::Bool)).collect(),
        kind if kind.is_signed_integer() => {
            let wide = arrow::compute::cast(column, &DataType::Int64)?;
            wide.as_primitive::<Int64Type>().iter().map(Value::from).collect()
        }
        kind if kind.is_unsigned_integer() => {
            let wide = arrow::compute::cast(column, &DataType::UInt64)?;
            wide.as_primitive::<UInt64Type>().iter().map(Value::from).collect()
        }
        // Through its shortest decimal form: 0.1 as a float is not 0.10000000149 to its reader.
        DataType::Float32 => column
            .as_primitive::<Float32Type>()
            .iter()
            .map(|value| float(value, |v| v.to_string().parse().unwrap_or(f64::from(v))))
            .collect(),
        DataType::Float64 => column.as_primitive::<Float64Type>().iter().map(|value| float(value, |v| v)).collect(),
        DataType::List(_) => column.as_list::<i32>().iter().map(list).collect::<Result<_, _>>()?,
        DataType::LargeList(_) => column.as_list::<i64>().iter().map(list).collect::<Result<_, _>>()?,
        DataType::Struct(_) => return structs(column),
        DataType::Map(_, _) => return maps(column),
        _ => return text(column),
    };
    Ok(plain)
}

fn float<T: Copy + ToString>(value: Option<T>, wide: impl Fn(T) -> f64) -> Value {
    let Some(value) = value else { return Value::Null };
    Number::from_f64(wide(value)).map_or_else(|| Value::String(value.to_string()), Value::Number)
}

fn list(items: Option<ArrayRef>) -> Result<Value, ArrowError> {
    items.map_or(Ok(Value::Null), |items| values(&items).map(Value::Array))
}

fn structs(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let structs = column.as_struct();
    let mut rows = vec![Map::new(); structs.len()];
    for (field, column) in structs.fields().iter().zip(structs.columns()) {
        for (row, value) in rows.iter_mut().zip(values(column)?) {
            row.insert(field.name().clone(), value);
        }
    }
    let present = |(index, row)| if structs.is_null(index) { Value::Null } else { Value::Object(row) };
    Ok(rows.into_iter().enumerate().map(present).collect())
}

fn maps(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let maps = column.as_map();
    let object = |entries: arrow::array::StructArray| -> Result<Value, ArrowError> {
        let [keys, items] = entries.columns() else { return Ok(Value::Null) };
        let keys = text(keys)?.into_iter().map(|key| key.as_str().unwrap_or_default().to_owned());
        Ok(Value::Object(keys.zip(values(items)?).collect()))
    };
    maps.iter().map(|entries| entries.map_or(Ok(Value::Null), object)).collect()
}

/// Each value as a cell of a table; `None` for NULL.
///
/// # Errors
/// A value that cannot be shown.
pub(super) fn cells(column: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if column.data_type().is_nested() {
        let shown = values(column)?.into_iter();
        return Ok(shown.map(|value| (!value.is_null()).then(|| value.to_string())).collect());
    }
    let column = utc(column);
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(&column, &options)?;
    let cell = |row| if column.is_null(row) { Ok(None) } else { formatter.value(row).try_to_string().map(Some) };
    (0..column.len()).map(cell).collect()
}

fn text(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    Ok(cells(column)?.into_iter().map(Value::from).collect())
}

/// A time with a zone counts from the epoch in UTC whatever the zone is called, and names of zones need a database that
/// this program does not carry.
fn utc(column: &ArrayRef) -> ArrayRef {
    const UTC: &str = "+00:00";
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, Some(_)) => {
            Arc::new(column.as_primitive::<TimestampSecondType>().clone().with_timezone(UTC))
        }
        DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
            Arc::new(column.as_primitive::<TimestampMillisecondType>().clone().with_timezone(UTC))
        }
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            Arc::new(column.as_primitive::<TimestampMicrosecondType>().clone().with_timezone(UTC))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => {
            Arc::new(column.as_primitive::<TimestampNanosecondType>().clone().with_timezone(UTC))
        }
        _ => Arc::clone(column),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        BooleanArray, Float32Array, Float64Array, Int32Array, ListArray, StringArray, StringViewArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int32Type;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_column_becomes_the_nearest_json() {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef),
            ("f", Arc::new(Float64Array::from(vec![0.5, f64::NAN])) as ArrayRef),
            ("g", Arc::new(Float32Array::from(vec![0.1, 2.0])) as ArrayRef),
            ("b", Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef),
            ("s", Arc::new(StringArray::from(vec![Some("é"), None])) as ArrayRef),
            ("v", Arc::new(StringViewArray::from(vec!["x", "y"])) as ArrayRef),
            ("t", Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("UTC")) as ArrayRef),
            (
                "l",
                Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]))
                    as ArrayRef,
            ),
        ])
        .unwrap();
        let rows: Vec<Value> = rows(&[batch]).unwrap().into_iter().map(Value::Object).collect();
        let first = json!({"n": 1, "f": 0.5, "g": 0.1, "b": true, "s": "é", "v": "x", "t": "1970-01-01T00:00:00Z", "l": [1, null]});
        let second = json!({"n": null, "f": "NaN", "g": 2.0, "b": false, "s": null, "v": "y", "t": "1970-01-01T00:00:01.500Z", "l": null});
        assert_eq!(rows, [first, second]);
    }

    #[test]
    fn a_cell_of_a_table_reads_like_the_json_but_null_is_none() {
        let lists: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]));
        assert_eq!(cells(&lists).unwrap(), [Some("[1,null]".to_owned()), None]);
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None]).with_timezone("UTC"));
        assert_eq!(cells(&times).unwrap(), [Some("1970-01-01T00:00:00Z".to_owned()), None]);
    }
}
