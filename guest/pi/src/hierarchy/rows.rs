//! An element as the server describes it → a row of `asset_hierarchy`.

use tidegate_sdk::tables::elements::ElementRow;

use crate::{af, api::Element};

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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use tidegate_sdk::tables::elements::{batch, schema};

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
