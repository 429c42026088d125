//! The columns of `asset_hierarchy`.

use arrow::{
    array::RecordBatch,
    datatypes::{DataType, Schema},
};
use tidegate_sdk::{
    Fault,
    columns::{Columns, integers, lists, text_list, texts, utc_micros},
    events::{field, host_field},
    ipc,
};

use crate::{af, api::Element};

/// All columns.
pub(crate) fn schema() -> Schema {
    let text = |name: &str, comment: &str| field(name, DataType::Utf8, true, comment);
    let texts = |name: &str, comment: &str| field(name, text_list(), true, comment);
    Schema::new(vec![
        field("element_id", DataType::Utf8, false, "WebId of the element; outlives its name and place"),
        text("element_name", "Name of the element"),
        text("element_path", r"Primary path below the database; a slash inside a name is written \/"),
        text("parent_id", "element_id of the parent on the primary path; NULL at the top"),
        text("template_name", "Template of the element; NULL without one"),
        text("element_type", "Element, Measurement, Transfer…; NULL where the server does not say"),
        text("description", "Description of the element"),
        texts("categories", "Categories of the element"),
        field("depth", DataType::Int32, true, "Levels below the top on the primary path; 0 at the top"),
        host_field("last_updated", utc_micros(), true, "ingested-at", "When the hierarchy was refreshed, UTC"),
        text("element_guid", "Identity of the element within AF"),
        texts("paths", "All paths of an element that has several parents"),
    ])
}

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ElementRow {
    pub(super) element_id: String,
    name: Option<String>,
    path: Option<String>,
    pub(super) parent_id: Option<String>,
    template: Option<String>,
    element_type: Option<String>,
    description: Option<String>,
    categories: Vec<String>,
    depth: Option<i32>,
    guid: Option<String>,
    paths: Vec<String>,
}

/// The row of an element.
pub(super) fn row(element: Element, parent_id: Option<String>) -> ElementRow {
    let path = element.path.as_deref().and_then(af::readable);
    let mut paths: Vec<String> = element.paths.iter().flatten().filter_map(|path| af::readable(path)).collect();
    if paths.is_empty() {
        paths.extend(path.clone());
    }
    ElementRow {
        depth: element.path.as_deref().and_then(af::depth),
        element_id: element.web_id,
        name: element.name,
        path,
        parent_id,
        template: element.template_name.filter(|name| !name.is_empty()),
        element_type: element.element_type.filter(|name| !name.is_empty()),
        description: element.description.filter(|text| !text.is_empty()),
        categories: element.category_names.unwrap_or_default(),
        guid: element.id,
        paths,
    }
}

/// The rows as a stream for the host.
pub(super) fn encode(rows: &[ElementRow]) -> Result<Vec<u8>, Fault> {
    ipc::batch(&batch(rows)?)
}

fn batch(rows: &[ElementRow]) -> Result<RecordBatch, Fault> {
    let text = |of: fn(&ElementRow) -> Option<&str>| texts(rows.iter().map(of));
    Columns::new(&schema())
        .push(text(|row| Some(&row.element_id)))
        .push(text(|row| row.name.as_deref()))
        .push(text(|row| row.path.as_deref()))
        .push(text(|row| row.parent_id.as_deref()))
        .push(text(|row| row.template.as_deref()))
        .push(text(|row| row.element_type.as_deref()))
        .push(text(|row| row.description.as_deref()))
        .push(lists(rows.iter().map(|row| Some(row.categories.as_slice()))))
        .push(integers(rows.iter().map(|row| row.depth)))
        .push(text(|row| row.guid.as_deref()))
        .push(lists(rows.iter().map(|row| Some(row.paths.as_slice()))))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    #[test]
    fn an_element_fills_its_row_and_what_it_lacks_is_null() {
        let element: Element = serde_json::from_str(
            r#"{"WebId":"I1Em","Id":"g","Name":"Pump-101","Description":"","Path":"\\\\AF1\\P\\Site1\\Unit2\\Pump-101",
                "Paths":["\\\\AF1\\P\\Site1\\Unit2\\Pump-101","\\\\AF1\\P\\By type\\Pump-101"],"TemplateName":"",
                "CategoryNames":["Rotating","Critical"]}"#,
        )
        .unwrap();
        let batch = batch(&[row(element, Some("I1EmParent".into()))]).unwrap();
        let text = |name: &str| {
            let column = batch.column_by_name(name).unwrap().as_string::<i32>();
            column.is_valid(0).then(|| column.value(0).to_owned())
        };
        assert_eq!(text("element_id").as_deref(), Some("I1Em"));
        assert_eq!(text("element_path").as_deref(), Some("/Site1/Unit2/Pump-101"));
        assert_eq!(text("parent_id").as_deref(), Some("I1EmParent"));
        assert_eq!((text("template_name"), text("description"), text("element_type")), (None, None, None));
        assert_eq!(text("element_guid").as_deref(), Some("g"));
        let list = |name: &str| {
            let values = batch.column_by_name(name).unwrap().as_list::<i32>().value(0);
            values.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(list("paths"), ["/Site1/Unit2/Pump-101", "/By type/Pump-101"]);
        assert_eq!(list("categories"), ["Rotating", "Critical"]);
        assert_eq!(batch.num_columns() + 1, schema().fields().len());
    }
}
