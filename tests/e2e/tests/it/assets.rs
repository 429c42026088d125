//! The asset hierarchy and the attributes of its elements, compared with the truth row by row.

use std::collections::BTreeMap;

use tidegate_simulators::pi::{Assets, Config, Effect, Element, Event, Fault, Form, Value};

use crate::plant::{Plant, SECOND, now};
use crate::table;

const ELEMENTS: [&str; 11] = [
    "element_id",
    "element_name",
    "element_path",
    "parent_id",
    "template_name",
    "description",
    "categories",
    "depth",
    "element_guid",
    "paths",
    "element_type",
];

const ATTRIBUTES: [&str; 12] = [
    "attribute_id",
    "element_id",
    "attribute_name",
    "attribute_path",
    "data_reference",
    "default_uom",
    "type",
    "is_configuration",
    "description",
    "categories",
    "tag_webid",
    "tag_name",
];

const INGESTION: &str = "{start: -30d, include_af_hierarchy: true}";

fn config(assets: Assets) -> Config {
    Config { tags: 30, days: 0.01, assets, ..Config::default() }
}

fn plant(assets: Assets) -> Plant {
    let plant = Plant::start(config(assets));
    plant.configure(|settings| settings.ingestion = INGESTION.to_owned());
    plant
}

/// Deep, with several parents, a circle and hidden elements.
fn tangled() -> Assets {
    Assets {
        elements: 400,
        depth: 15,
        attributes: 6,
        multi_parent: 25,
        cycle: true,
        hidden: 20,
        hostile_names: true,
        ..Assets::default()
    }
}

/// `\\SERVER\DB\A\B` as the tables write it: `/A/B`, and a slash inside a name as `\/`.
fn readable(path: &str) -> String {
    let below = path.trim_start_matches('\\').splitn(3, '\\').nth(2).unwrap();
    let (elements, attribute) = below.split_once('|').map_or((below, None), |(a, b)| (a, Some(b)));
    let names: String = elements.split('\\').map(|name| format!("/{}", name.replace('/', r"\/"))).collect();
    attribute.map_or(names.clone(), |attribute| format!("{names}|{attribute}"))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn expected_elements(plant: &Plant, database: &str) -> Vec<Vec<String>> {
    let all = plant.server.truth().assets().elements(database);
    let ids: BTreeMap<_, _> = all.iter().map(|element| (element.id.clone(), element.web_id(Form::IdOnly))).collect();
    let row = |element: &Element| {
        vec![
            element.web_id(Form::IdOnly),
            element.name.clone(),
            readable(&element.path),
            element.parent.as_ref().map(|id| ids[id].clone()).unwrap_or_default(),
            element.template.clone(),
            element.description.clone(),
            list(element.categories.iter().cloned()),
            element.depth.to_string(),
            element.id.clone(),
            list(element.paths.iter().map(|path| readable(path))),
            String::new(),
        ]
    };
    all.iter().filter(|element| !element.hidden).map(row).collect()
}

fn expected_attributes(plant: &Plant, database: &str) -> Vec<Vec<String>> {
    let truth = plant.server.truth();
    let points = truth.points();
    let elements = truth.assets().elements(database);
    let rows = elements.iter().filter(|element| !element.hidden).flat_map(|element| {
        let attributes = truth.assets().attributes(&element.id);
        attributes.into_iter().filter(|attribute| !attribute.hidden && !attribute.excluded).map(|attribute| {
            let tag = attribute.tag.map(|tag| &points[tag]);
            vec![
                attribute.id(),
                element.web_id(Form::IdOnly),
                attribute.name.clone(),
                readable(&attribute.path),
                attribute.data_reference.clone(),
                attribute.units_name.clone(),
                attribute.type_name.clone(),
                attribute.configuration_item.to_string(),
                attribute.description.clone(),
                list(attribute.categories.iter().cloned()),
                tag.map(|tag| tag.web_id(Form::Full)).unwrap_or_default(),
                tag.map(|tag| tag.name.clone()).unwrap_or_default(),
            ]
        })
    });
    rows.collect()
}

fn assert_same(mut found: Vec<Vec<String>>, mut expected: Vec<Vec<String>>) {
    found.sort();
    expected.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

pub async fn assert_hierarchy_mirrors(plant: &Plant) {
    let found = table::cells(&plant.table("asset_hierarchy"), &ELEMENTS).await;
    assert!(!found.is_empty());
    assert_same(found, expected_elements(plant, "Plant"));
}

/// The attributes of all elements are those of the server.
pub async fn assert_attributes_mirror(plant: &Plant) {
    let mut found = table::cells(&plant.table("element_attributes"), &ATTRIBUTES).await;
    // The truth is known by `Id`; the table holds the WebId of the same object.
    let ids: BTreeMap<String, String> = attribute_ids(plant);
    for row in &mut found {
        row[0] = ids.get(&row[0]).unwrap_or_else(|| panic!("{} is no attribute", row[0])).clone();
    }
    assert_same(found, expected_attributes(plant, "Plant"));
}

#[tokio::test]
async fn every_element_is_one_row_with_its_parent_and_all_its_paths() {
    let plant = plant(tangled());
    let summary = plant.run(0);
    assert_hierarchy_mirrors(&plant).await;
    assert_eq!(summary["tables"]["pi_asset_hierarchy"], 380, "{summary}");
    // The path of each element is that of its parent and its name; every parent is a row.
    let rows = table::cells(&plant.table("asset_hierarchy"), &["element_id", "parent_id", "element_path"]).await;
    let paths: BTreeMap<_, _> = rows.iter().map(|row| (row[0].clone(), row[2].clone())).collect();
    assert!(rows.iter().filter(|row| !row[1].is_empty()).all(|row| row[2].starts_with(&paths[&row[1]])));
}

#[tokio::test]
async fn every_attribute_is_one_row_and_leads_to_its_tag() {
    let plant = plant(tangled());
    plant.run(0);
    assert_attributes_mirror(&plant).await;
    let sql = "SELECT count(DISTINCT t.tag_webid) AS tags FROM bronze.pi_element_attributes a \
               JOIN bronze.pi_timeseries t ON t.tag_webid = a.tag_webid";
    let ended = plant.tidegate(&["--output", "json", "query", sql]);
    let answer: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(answer[0]["tags"].as_u64().unwrap() > 10, "one join leads from elements to samples: {answer}");
}

/// The `Id` of each attribute by every form of its WebId.
fn attribute_ids(plant: &Plant) -> BTreeMap<String, String> {
    let truth = plant.server.truth().assets();
    let elements = truth.elements("Plant");
    let attributes = elements.iter().flat_map(|element| truth.attributes(&element.id));
    attributes
        .flat_map(|attribute| [Form::Full, Form::IdOnly].map(|form| (attribute.web_id(form), attribute.id())))
        .collect()
}

#[tokio::test]
async fn what_is_renamed_moved_hidden_or_deleted_between_runs_is_so_in_the_next() {
    let plant = plant(Assets { elements: 60, depth: 4, ..Assets::default() });
    plant.run(0);
    let truth = plant.server.truth().assets();
    let elements = truth.elements("Plant");
    let (top, leaves): (Vec<_>, Vec<_>) = elements.iter().partition(|element| element.depth == 0);
    let before = table::cells(&plant.table("asset_hierarchy"), &["element_guid", "element_id"]).await;
    assert!(truth.rename(&top[0].id, "Renamed"));
    assert!(truth.move_to(&leaves.last().unwrap().id, None));
    assert!(truth.hide(&leaves[leaves.len() - 2].id, true));
    assert!(truth.delete(&leaves[leaves.len() - 3].id));
    truth.add("Plant", Some(&top[0].id), "Born later", None).unwrap();
    plant.run(0);
    assert_hierarchy_mirrors(&plant).await;
    let after = table::cells(&plant.table("asset_hierarchy"), &["element_guid", "element_id"]).await;
    let kept = after.iter().filter(|row| before.contains(row)).count();
    assert_eq!(kept, after.len() - 1, "an element keeps its id under another name and in another place");
}

#[tokio::test]
async fn several_databases_are_one_table() {
    let databases = vec!["Plant".to_owned(), "Utilities".to_owned(), "Archive".to_owned()];
    let plant = plant(Assets { elements: 40, databases, ..Assets::default() });
    let ended = plant.tidegate(&["run"]);
    assert_eq!(ended.code, 3, "several databases and none named: {ended:#?}");
    assert!(ended.stderr.contains("Utilities"), "{}", ended.stderr);
    plant.configure(|settings| {
        settings.ingestion =
            r"{start: -30d, include_af_hierarchy: true, af_database: ['\\SIMAF\Plant', Utilities]}".to_owned();
    });
    plant.run(0);
    let mut expected = expected_elements(&plant, "Plant");
    expected.extend(expected_elements(&plant, "Utilities"));
    assert_same(table::cells(&plant.table("asset_hierarchy"), &ELEMENTS).await, expected);
}

#[tokio::test]
async fn ten_thousand_elements_take_few_requests() {
    let assets =
        Assets { elements: 10_000, depth: 15, attributes: 3, multi_parent: 200, cycle: true, ..Assets::default() };
    let plant = Plant::start(Config { tags: 5, days: 0.001, assets, ..Config::default() });
    plant.configure(|settings| settings.ingestion = INGESTION.to_owned());
    let summary = plant.run(0);
    assert_hierarchy_mirrors(&plant).await;
    assert!(summary["requests"].as_u64().unwrap() < 60, "{summary}");
}

/// With `fault` on a list of AF: the table stays as it was, time series go on, exit 3; without it the next run repairs.
async fn leaves_the_old_table(effect: Effect, route: &str, tables: &[&str]) {
    let plant = plant(Assets { elements: 50, ..Assets::default() });
    plant.run(0);
    let mut before = Vec::new();
    for table in tables {
        before.push(table::files(&plant.table(table)).await);
    }
    let truth = plant.server.truth();
    let some = truth.assets().elements("Plant").remove(3).id;
    assert!(truth.assets().rename(&some, "Renamed"));
    let late = Event::good(now() - SECOND, Value::Float64(1.5));
    truth.insert(0, late);
    plant.server.set_faults(vec![Fault::new(effect.clone()).route(route)]);
    let summary = plant.run(3);
    plant.assert_mirrors().await;
    for (table, before) in tables.iter().zip(before) {
        assert_eq!(table::files(&plant.table(table)).await, before, "{effect:?}: {table} was touched");
    }
    assert!(summary["gaps"].as_u64().unwrap() >= tables.len() as u64, "{summary}");
    let gaps = table::strings(&plant.table("gaps"), "table_name").await;
    assert!(tables.iter().all(|table| gaps.contains(&format!("pi_{table}"))), "{effect:?}: {gaps:?}");

    plant.server.set_faults(Vec::new());
    plant.run(0);
    assert_hierarchy_mirrors(&plant).await;
    let resolved = table::strings(&plant.table("gaps"), "resolved_at").await;
    assert!(resolved.iter().all(|at| !at.is_empty()), "{effect:?}: a gap stays open: {resolved:?}");
}

/// Every way in which an answer is no answer.
fn every_fault() -> Vec<Effect> {
    vec![
        Effect::Status { code: 400 },
        Effect::Status { code: 403 },
        Effect::Status { code: 404 },
        Effect::Status { code: 409 },
        Effect::Status { code: 413 },
        Effect::Status { code: 429 },
        Effect::Status { code: 500 },
        Effect::Status { code: 501 },
        Effect::Status { code: 502 },
        Effect::Status { code: 503 },
        Effect::WebException { status: 500, after: 20 },
        Effect::ItemErrors { index: 5 },
        Effect::Cut { keep: 0.5 },
        Effect::CutLength { keep: 0.5 },
        Effect::Reset,
        Effect::Garbage,
        Effect::Html,
        Effect::Empty,
        Effect::NoItems,
    ]
}

#[tokio::test]
async fn a_hierarchy_that_is_not_whole_replaces_nothing() {
    for effect in every_fault() {
        leaves_the_old_table(effect, "assetdatabases/elements", &["asset_hierarchy"]).await;
    }
}

#[tokio::test]
async fn attributes_that_are_not_whole_replace_nothing() {
    for effect in every_fault() {
        leaves_the_old_table(effect, "*attributes*", &["element_attributes"]).await;
    }
}

#[tokio::test]
async fn a_list_of_servers_or_databases_that_is_no_list_replaces_nothing() {
    // Such a list is short: what spoils an item further on spoils nothing here.
    let spoils = |effect: &Effect| !matches!(effect, Effect::ItemErrors { .. });
    for effect in every_fault().into_iter().filter(spoils) {
        for route in ["assetservers", "assetservers/assetdatabases"] {
            leaves_the_old_table(effect.clone(), route, &["asset_hierarchy", "element_attributes"]).await;
        }
    }
}

#[tokio::test]
async fn an_af_server_that_is_down_stops_no_time_series() {
    leaves_the_old_table(Effect::Status { code: 502 }, "asset*", &["asset_hierarchy", "element_attributes"]).await;
}

#[tokio::test]
async fn a_smaller_limit_of_the_server_is_learnt() {
    let assets = Assets { elements: 300, attributes: 4, ..Assets::default() };
    let plant = Plant::start(Config { max_items: 70, ..config(assets) });
    plant.configure(|settings| settings.ingestion = INGESTION.to_owned());
    plant.run(0);
    assert_hierarchy_mirrors(&plant).await;
}

#[tokio::test]
async fn tags_may_be_chosen_by_the_attributes_that_refer_to_them() {
    let plant = plant(Assets { elements: 30, attributes: 6, ..Assets::default() });
    let truth = plant.server.truth();
    let chosen: Vec<_> =
        truth.assets().elements("Plant").into_iter().filter(|e| e.template == "PumpTemplate").collect();
    plant.configure(|settings| {
        settings.ingestion = "{start: -30d, af_filter: {template: PumpTemplate}}".to_owned();
    });
    plant.run(0);
    let points = truth.points();
    let attributes = chosen.iter().flat_map(|element| truth.assets().attributes(&element.id));
    let mut expected: Vec<String> = attributes
        .filter(|attribute| !attribute.hidden && !attribute.excluded)
        .filter_map(|attribute| Some(points[attribute.tag?].web_id(Form::Full)))
        .collect();
    expected.sort();
    expected.dedup();
    let mut found = table::strings(&plant.table("watermarks"), "tag_webid").await;
    found.sort();
    assert_eq!(found, expected);
    assert!(!found.is_empty() && found.len() < points.len());
}
