//! The columns of `element_attributes`.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use tidegate_sdk::{
    Fault,
    columns::{Columns, flags, lists, text_list, texts, utc_micros},
    events::{field, host_field},
    ipc,
};

use super::link::plug_in;
use crate::{af, api::Attribute};

/// All columns.
pub(crate) fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    Schema::new(vec![
        field("attribute_id", DataType::Utf8, false, "WebId of the attribute, as the server gives it"),
        text("element_id", "The element that it belongs to: asset_hierarchy.element_id"),
        text("attribute_name", "Name of the attribute"),
        text("attribute_path", "Path of the element, then |Name, or |Parent|Name of a nested attribute"),
        text("data_reference", "Where its value comes from: PI Point, Formula…; NULL for a static value"),
        text("default_uom", "Unit of measure that its values are in by default"),
        text("type", "Double, Int32, String, DateTime, EnumerationValue…"),
        field("is_configuration", DataType::Boolean, true, "Set up with the element instead of changing over time"),
        text("description", "Description of the attribute"),
        field("categories", text_list(), true, "Categories of the attribute"),
        text("tag_webid", "The PI point behind it: timeseries.tag_webid"),
        text("tag_name", "Name of that point"),
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the attributes were refreshed, UTC"),
    ])
}

/// One attribute.
#[derive(Clone, Debug, Default)]
pub(super) struct AttributeRow {
    attribute: Attribute,
    element_id: Option<String>,
    path: Option<String>,
    /// WebId and name.
    tag: Option<(String, String)>,
}

/// The row of an attribute.
pub(super) fn row(mut attribute: Attribute, element_id: Option<String>, tag: Option<(String, String)>) -> AttributeRow {
    let path = attribute.path.take().and_then(|path| af::readable(&path));
    AttributeRow { path, attribute, element_id, tag }
}

/// The rows as a stream for the host.
pub(super) fn encode(rows: &[AttributeRow]) -> Result<Vec<u8>, Fault> {
    ipc::batch(&batch(rows)?)
}

fn batch(rows: &[AttributeRow]) -> Result<RecordBatch, Fault> {
    let text =
        |of: fn(&AttributeRow) -> Option<&str>| texts(rows.iter().map(|row| of(row).filter(|text| !text.is_empty())));
    Columns::new(&schema())
        .push(text(|row| Some(&row.attribute.web_id)))
        .push(text(|row| row.element_id.as_deref()))
        .push(text(|row| row.attribute.name.as_deref()))
        .push(text(|row| row.path.as_deref()))
        .push(text(|row| plug_in(&row.attribute)))
        .push(text(units))
        .push(text(|row| row.attribute.value_type.as_deref()))
        .push(flags(rows.iter().map(|row| row.attribute.is_configuration_item)))
        .push(text(|row| row.attribute.description.as_deref()))
        .push(lists(rows.iter().map(|row| Some(row.attribute.category_names.as_deref().unwrap_or_default()))))
        .push(text(|row| row.tag.as_ref().map(|(web_id, _)| web_id.as_str())))
        .push(text(|row| row.tag.as_ref().map(|(_, name)| name.as_str())))
        .finish()
}

/// Servers before 2018 write the name alone.
fn units(row: &AttributeRow) -> Option<&str> {
    let given = |units: &Option<String>| units.as_deref().is_some_and(|units| !units.is_empty());
    let attribute = &row.attribute;
    let units = &attribute.default_units_name;
    if given(units) { units.as_deref() } else { attribute.default_units_name_abbreviation.as_deref() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    #[test]
    fn an_attribute_fills_its_row_and_what_it_lacks_is_null() {
        let attributes: Vec<Attribute> = serde_json::from_str(
            r#"[{"WebId":"F1AbE","Name":"Limit","Path":"\\\\AF1\\P\\Site\\Pump|Flow m3/h|Limit","Type":"Double",
                "DefaultUnitsName":"cubic meter per hour","DefaultUnitsNameAbbreviation":"m3/h",
                "DataReferencePlugIn":"PI Point","IsConfigurationItem":false,"CategoryNames":["Process"]},
               {"WebId":"F1AbE2","Name":"Serial","DataReferencePlugIn":"","DefaultUnitsName":"","IsConfigurationItem":true}]"#,
        )
        .unwrap();
        let tags = [Some(("F1DP".to_owned(), "FLOW".to_owned())), None];
        let rows: Vec<_> =
            attributes.into_iter().zip(tags).map(|(attribute, tag)| row(attribute, Some("I1Em".into()), tag)).collect();
        let batch = batch(&rows).unwrap();
        let texts = |name: &str| {
            let column = batch.column_by_name(name).unwrap().as_string::<i32>();
            [0, 1].map(|row| column.is_valid(row).then(|| column.value(row).to_owned()))
        };
        assert_eq!(texts("attribute_path"), [Some("/Site/Pump|Flow m3/h|Limit".into()), None]);
        assert_eq!(texts("data_reference"), [Some("PI Point".into()), None]);
        assert_eq!(texts("default_uom"), [Some("cubic meter per hour".into()), None]);
        assert_eq!(texts("tag_webid"), [Some("F1DP".into()), None]);
        assert_eq!(texts("tag_name"), [Some("FLOW".into()), None]);
        assert!(batch.column_by_name("is_configuration").unwrap().as_boolean().value(1));
        assert_eq!(batch.num_columns() + 1, schema().fields().len());
    }
}
