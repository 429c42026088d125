//! What a guest emitted against what it declared, in words that its author understands.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};

use crate::describe::printable;

/// The schema under which a batch with the schema `got` is accepted for `declared`: the declared one, where a string
/// column that came dictionary-encoded keeps that encoding, with keys of 32 bits whatever they came with.
pub(super) fn accept(got: &Schema, declared: &Schema) -> Result<Schema, String> {
    let mut fields = Vec::with_capacity(declared.fields().len());
    for (index, wanted) in declared.fields().iter().enumerate() {
        let number = index + 1;
        let Some(field) = got.fields().get(index) else {
            return Err(format!(
                "column {number} is missing: the table declares {} (it has {} columns, the table {})",
                shown(wanted),
                got.fields().len(),
                declared.fields().len()
            ));
        };
        if field.name() != wanted.name() || !fits(field.data_type(), wanted.data_type()) {
            return Err(format!("column {number} is {}, the table declares {}", shown(field), shown(wanted)));
        }
        let kind = match field.data_type() {
            DataType::Dictionary(_, values) => DataType::Dictionary(Box::new(DataType::Int32), values.clone()),
            other => other.clone(),
        };
        fields.push(wanted.as_ref().clone().with_data_type(kind));
    }
    if let Some(extra) = got.fields().get(declared.fields().len()) {
        return Err(format!(
            "column {} is {}, which the table does not declare (or which the host fills)",
            declared.fields().len() + 1,
            shown(extra)
        ));
    }
    Ok(Schema::new_with_metadata(fields, declared.metadata().clone()))
}

/// Refuses a null in a column that is declared to have none; counts those inside of a dictionary as well.
pub(super) fn no_hidden_nulls(batch: &RecordBatch, declared: &Schema) -> Result<(), String> {
    for (index, (column, field)) in batch.columns().iter().zip(declared.fields()).enumerate() {
        let nulls = if field.is_nullable() { 0 } else { column.logical_null_count() };
        if nulls > 0 {
            return Err(format!(
                "column {} `{}` holds {nulls} null{}, the table declares it without",
                index + 1,
                field.name(),
                if nulls == 1 { "" } else { "s" }
            ));
        }
    }
    Ok(())
}

fn fits(got: &DataType, wanted: &DataType) -> bool {
    match got {
        DataType::Dictionary(_, values) => *wanted == DataType::Utf8 && **values == DataType::Utf8,
        _ => got.equals_datatype(wanted),
    }
}

fn shown(field: &Field) -> String {
    format!("`{}: {}`", printable(field.name()), field.data_type())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        Schema::new(fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect::<Vec<_>>())
    }

    fn refusal(got: &[(&str, DataType)]) -> String {
        let declared = schema(&[("tag", DataType::Utf8), ("value", DataType::Float64)]);
        accept(&schema(got), &declared).err().unwrap_or_default()
    }

    #[test]
    fn a_wrong_type_says_both_types() {
        let refused = refusal(&[("tag", DataType::Utf8), ("value", DataType::Utf8)]);
        assert_eq!(refused, "column 2 is `value: Utf8`, the table declares `value: Float64`");
    }

    #[test]
    fn another_order_a_missing_and_an_extra_column_are_named() {
        assert!(refusal(&[("value", DataType::Float64), ("tag", DataType::Utf8)]).starts_with("column 1 is `value"));
        assert!(refusal(&[("tag", DataType::Utf8)]).starts_with("column 2 is missing: the table declares `value"));
        let extra = [("tag", DataType::Utf8), ("value", DataType::Float64), ("x", DataType::Int8)];
        assert!(refusal(&extra).starts_with("column 3 is `x: Int8`, which the table does not declare"));
    }

    #[test]
    fn only_strings_may_be_dictionaries() {
        let of = |values| DataType::Dictionary(Box::new(DataType::Int32), Box::new(values));
        assert_eq!(refusal(&[("tag", of(DataType::Utf8)), ("value", DataType::Float64)]), "");
        assert!(!refusal(&[("tag", DataType::Utf8), ("value", of(DataType::Float64))]).is_empty());
        assert!(!refusal(&[("tag", of(DataType::Binary)), ("value", DataType::Float64)]).is_empty());
    }
}
