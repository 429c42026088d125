//! Attributes: per element and in bulk, what lists leave out, what stands behind them, and their values.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidegate_simulators::pi::{Attribute, Config, Element, Form, Knobs, Server};

use crate::client::{database, encode, get, items, launch, pages, plant, texts};

fn elements(server: &Server) -> Vec<Element> {
    server.truth().assets().elements("Plant").into_iter().filter(|element| !element.hidden).collect()
}

fn of(server: &Server, element: &Element) -> Vec<Attribute> {
    server.truth().assets().attributes(&element.id)
}

fn same(server: &Server, item: &Value, attribute: &Attribute) {
    assert_eq!(item["WebId"], attribute.web_id(Form::Full));
    for (member, text) in [
        ("Id", &attribute.id()),
        ("Name", &attribute.name),
        ("Description", &attribute.description),
        ("Path", &attribute.path),
        ("Type", &attribute.type_name),
        ("TypeQualifier", &attribute.type_qualifier),
        ("DefaultUnitsName", &attribute.units_name),
        ("DefaultUnitsNameAbbreviation", &attribute.units),
        ("DataReferencePlugIn", &attribute.data_reference),
        ("ConfigString", &attribute.config_string),
        ("TraitName", &attribute.trait_name),
    ] {
        assert_eq!(item[member], text.as_str(), "{member}");
    }
    for (member, flag) in [
        ("IsConfigurationItem", attribute.configuration_item),
        ("IsExcluded", attribute.excluded),
        ("IsHidden", attribute.hidden),
        ("HasChildren", attribute.has_children),
        ("Step", attribute.step),
    ] {
        assert_eq!(item[member], flag, "{member}");
    }
    let links = &item["Links"];
    let point = attribute.tag.map(|index| server.truth().points()[index].web_id(Form::Full));
    assert_eq!(links["Point"].as_str().and_then(|url| url.rsplit('/').next()), point.as_deref());
    assert_eq!(links["RecordedData"].is_string(), attribute.data_reference == "PI Point");
    assert_eq!(links["Parent"].is_string(), attribute.parent_id().is_some());
    assert!(links["Element"].is_string() && links["Value"].is_string());
}

#[test]
fn an_element_lists_its_attributes_without_the_hidden_excluded_and_nested_ones() {
    let server = launch(plant());
    let element = &elements(&server)[20];
    let all = of(&server, element);
    let list = format!("/elements/{}/attributes", element.web_id(Form::IdOnly));
    for (query, keep) in [
        ("", (false, false, false)),
        ("?showHidden=true", (true, false, false)),
        ("?showExcluded=true", (false, true, false)),
        ("?showHidden=true&showExcluded=true&searchFullHierarchy=true", (true, true, true)),
    ] {
        let (hidden, excluded, nested) = keep;
        let expected: BTreeSet<String> = all
            .iter()
            .filter(|a| (hidden || !a.hidden) && (excluded || !a.excluded) && (nested || a.parent_id().is_none()))
            .map(Attribute::id)
            .collect();
        let found = items(&get(&server, &format!("{list}{query}")).json());
        assert_eq!(texts(&found, "Id").into_iter().collect::<BTreeSet<_>>(), expected, "{query}");
        for item in &found {
            same(&server, item, all.iter().find(|a| item["Id"] == a.id().as_str()).unwrap());
        }
    }
    assert_eq!(all.len(), 18);
    for query in ["?nameFilter=*pressure", "?categoryName=Process", "?valueType=Int32", "?trait=LimitHi"] {
        let count = items(&get(&server, &format!("{list}{query}")).json()).len();
        assert!((0..=4).contains(&count) && (count > 0) != query.contains("trait"), "{query}: {count}");
    }
    let parent = all.iter().find(|a| a.has_children).unwrap();
    let below = items(&get(&server, &format!("/attributes/{}/attributes", parent.web_id(Form::IdOnly))).json());
    assert_eq!(texts(&below, "Name"), ["LimitHi", "LimitLo"]);
    assert!(below[0]["Path"].as_str().unwrap().ends_with("|Pressure|LimitHi"));
}

#[test]
fn the_kinds_of_attribute_are_all_there() {
    let server = launch(plant());
    let all = of(&server, &elements(&server)[3]);
    let kinds: BTreeSet<&str> = all.iter().map(|a| a.data_reference.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["", "Formula", "PI Point"]));
    let resolved = all.iter().find(|a| a.tag.is_some()).unwrap();
    assert_eq!(resolved.config_string, server.truth().points()[resolved.tag.unwrap()].path);
    assert!(all.iter().any(|a| a.data_reference == "PI Point" && a.tag.is_none()), "one that cannot be resolved");
    assert!(all.iter().any(|a| a.type_name == "EnumerationValue" && !a.type_qualifier.is_empty()));
    assert!(all.iter().any(|a| a.configuration_item) && all.iter().any(|a| a.excluded) && all.iter().any(|a| a.hidden));
}

#[test]
fn a_data_reference_shows_the_point_with_all_its_fields() {
    let server = launch(plant());
    let element = &elements(&server)[7];
    let list = format!("/elements/{}/attributes", element.web_id(Form::IdOnly));
    let plain = items(&get(&server, &list).json());
    assert!(plain.iter().all(|item| item["DataReference"].is_null()));
    for item in items(&get(&server, &format!("{list}?associations=DataReference")).json()) {
        let Some(url) = item["Links"]["Point"].as_str() else {
            assert!(item["DataReference"]["PIPoint"].is_null());
            continue;
        };
        let mut point = get(&server, url.split_once("/piwebapi").unwrap().1).json();
        point.as_object_mut().unwrap().remove("Links");
        assert_eq!(item["DataReference"], json!({"Type": "PI Point", "PIPoint": point}));
    }
    assert_eq!(get(&server, &format!("{list}?associations=Paths")).status, 400);
}

#[test]
fn the_bulk_list_holds_every_first_level_attribute_of_every_visible_element_once() {
    let server = launch(plant());
    let list = format!("{}/elementattributes?searchFullHierarchy=true", database(&server));
    let found = pages(&server, &list, 700);
    let expected: BTreeSet<String> = elements(&server)
        .iter()
        .flat_map(|element| of(&server, element))
        .filter(|a| !a.hidden && !a.excluded && a.parent_id().is_none())
        .map(|a| a.id())
        .collect();
    assert_eq!(found.len(), expected.len());
    assert_eq!(texts(&found, "Id").into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(texts(&found, "Name").is_sorted());
    let knobs = Knobs { bulk_nested_attributes: true, bulk_hidden_attributes: true, ..Knobs::default() };
    let whole = launch(Config { knobs, ..plant() });
    assert_eq!(pages(&whole, &list, 2000).len(), 295 * 18);
    let top = elements(&server).iter().filter(|element| element.depth == 0).count();
    let direct = pages(&server, &format!("{}/elementattributes", database(&server)), 1000);
    assert!(direct.len() >= top * 14 && direct.len() < found.len(), "{}", direct.len());
}

#[test]
fn bulk_filters_look_at_elements_and_at_attributes() {
    let server = launch(plant());
    let list = format!("{}/elementattributes?searchFullHierarchy=true&maxCount=10000", database(&server));
    let motors = elements(&server).into_iter().filter(|element| element.name == "Motor").count();
    let count = |query: &str| items(&get(&server, &format!("{list}&{query}")).json()).len();
    assert_eq!(count("elementNameFilter=Motor&attributeNameFilter=Temperature"), motors);
    assert_eq!(count("attributeType=Int32&attributeNameFilter=Rating&elementNameFilter=motor"), motors);
    let family = |element: &Element| matches!(element.template.as_str(), "EquipmentTemplate" | "PumpTemplate");
    let made = elements(&server).iter().filter(|element| family(element)).count();
    assert_eq!(count("elementTemplate=EquipmentTemplate&attributeNameFilter=flow"), made);
    let critical =
        elements(&server).iter().filter(|element| element.categories.iter().any(|c| c == "Critical")).count();
    assert_eq!(count("elementCategory=Critical&attributeCategory=Process&attributeNameFilter=flow"), critical);
    let root = elements(&server).into_iter().find(|element| element.depth == 13).unwrap();
    let below = format!("/elements/{}/elementattributes?searchFullHierarchy=true", root.web_id(Form::IdOnly));
    assert_eq!(get(&server, &below).status, 200);
}

#[test]
fn values_come_from_tags_or_from_the_attribute_itself() {
    let server = launch(plant());
    let at = 17_092_728_000_000_000;
    for attribute in of(&server, &elements(&server)[9]) {
        let id = attribute.web_id(Form::IdOnly);
        let answer = get(&server, &format!("/attributes/{id}/value"));
        let event = server.truth().assets().value(&attribute, server.truth().range().1);
        if attribute.type_name == "Unsupported" {
            assert_eq!(answer.status, 501);
            continue;
        }
        let item = answer.json();
        assert_eq!(item["Value"], serde_json::from_str::<Value>(&event.value.json()).unwrap(), "{}", attribute.name);
        assert_eq!((&item["Good"], &item["UnitsAbbreviation"]), (&event.good.into(), &attribute.units.as_str().into()));
        let stream = get(&server, &format!("/streams/{id}/value?time=2024-03-01T06:00:00Z"));
        match attribute.data_reference.as_str() {
            "" => assert_eq!(stream.status, 409, "{}", attribute.name),
            _ => {
                let then = server.truth().assets().value(&attribute, at);
                assert_eq!(stream.json()["Timestamp"], then.timestamp(), "{}", attribute.name);
            }
        }
        let window = "startTime=2024-03-01T00:00:00Z&endTime=2024-03-01T06:00:00Z";
        let recorded = get(&server, &format!("/streams/{id}/recorded?{window}"));
        match (attribute.data_reference.as_str(), attribute.tag) {
            ("PI Point", Some(tag)) => {
                let point = server.truth().points()[tag].web_id(Form::Full);
                let same = get(&server, &format!("/streams/{point}/recorded?{window}")).json();
                let times = |answer: &Value| texts(&items(answer), "Timestamp");
                assert_eq!(times(&recorded.json()), times(&same));
            }
            ("PI Point", None) => assert_eq!(recorded.status, 404),
            _ => assert_eq!(recorded.status, 409),
        }
    }
}

#[test]
fn an_attribute_is_found_by_every_form_and_by_its_path() {
    let server = launch(plant());
    let element = elements(&server).into_iter().find(|element| element.depth == 2).unwrap();
    for attribute in of(&server, &element) {
        for form in Form::ALL {
            let answer = get(&server, &format!("/attributes/{}?selectedFields=Id", attribute.web_id(form)));
            assert_eq!(answer.json()["Id"], attribute.id().as_str(), "{form:?} {}", attribute.path);
        }
        let by_path = get(&server, &format!("/attributes?path={}", encode(&attribute.path))).json();
        assert_eq!(by_path["Id"], attribute.id().as_str());
    }
    let one = of(&server, &element)[0].web_id(Form::IdOnly);
    let several = get(&server, &format!("/attributes/multiple?webId={one}&webId=I1AbE"));
    assert_eq!((several.status, items(&several.json()).len()), (207, 2));
}
