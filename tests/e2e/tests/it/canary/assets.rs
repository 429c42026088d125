//! The catalogue of tags and the nodes of a view, compared with the truth row by row.

use std::collections::BTreeMap;

use tidegate_simulators::canary::{Config, Effect, Fault, Override, Point};

use super::{config, truth};
use crate::plant::{CanaryPlant, now};
use crate::table;

const NODES: [&str; 12] = [
    "element_id",
    "element_name",
    "element_path",
    "parent_id",
    "template_name",
    "element_type",
    "description",
    "categories",
    "depth",
    "element_guid",
    "paths",
    "last_updated",
];

const POINTS: [&str; 11] = [
    "tag_webid",
    "tag_name",
    "path",
    "descriptor",
    "point_type",
    "units",
    "digital_set",
    "step",
    "future",
    "zero",
    "span",
];

fn plant(view: &str) -> CanaryPlant {
    let plant = CanaryPlant::start(Config { tags: 60, days: 0.02, hostile_names: true, calculated: 2, ..config() });
    look_at(&plant, view);
    plant
}

fn look_at(plant: &CanaryPlant, view: &str) {
    plant.configure(|settings| {
        settings.source = format!("  view: {view}\n");
        settings.ingestion = "{start: -30d, include_asset_hierarchy: true}".to_owned();
    });
}

/// Where a tag stands in a view.
fn place(point: &Point, view: &str) -> String {
    let paths = point.paths().into_iter();
    paths.into_iter().find(|path| path.starts_with(&format!("{view}."))).unwrap().to_owned()
}

/// Every node above a tag, by its full path: a dot in a path is a level.
fn expected_nodes(plant: &CanaryPlant, view: &str) -> Vec<Vec<String>> {
    let mut nodes = BTreeMap::new();
    for point in plant.server.truth().points().iter().filter(|point| !point.diagnostic && !point.hidden) {
        let full = place(point, view);
        let names: Vec<&str> = full.split('.').collect();
        for depth in 0..names.len() - 2 {
            let id = names[..=depth + 1].join(".");
            let readable: String =
                names[1..=depth + 1].iter().map(|name| format!("/{}", name.replace('/', r"\/"))).collect();
            let parent = if depth == 0 { String::new() } else { names[..=depth].join(".") };
            // The node right above a tag of the asset model is the asset.
            let is_asset = view == "UNS" && depth == names.len() - 3;
            let template = if is_asset { point.asset_type } else { "" };
            let name = names[depth + 1].to_owned();
            let row = [id.clone(), name, readable.clone(), parent, template.to_owned()].into_iter();
            let rest = ["".to_owned(), "".to_owned(), "[]".to_owned(), depth.to_string(), "".to_owned()];
            nodes.insert(id, row.chain(rest).chain([format!("[{readable}]")]).collect());
        }
    }
    nodes.into_values().collect()
}

/// The table has each node of the view once.
pub async fn assert_nodes_mirror(plant: &CanaryPlant, view: &str) {
    let mut found = table::cells(&plant.table("asset_hierarchy"), &NODES).await;
    found.sort();
    let updated: Vec<String> = found.iter_mut().map(|row| row.pop().unwrap()).collect();
    assert!(updated.iter().all(|at| !at.is_empty()), "a node without last_updated");
    // What a historian does not tell of categories is an empty list or none.
    for row in &mut found {
        row[7] = if row[7].is_empty() { "[]".to_owned() } else { row[7].clone() };
    }
    assert_eq!(found, expected_nodes(plant, view));
}

/// The table has each tag that is read once.
pub async fn assert_points_mirror(plant: &CanaryPlant, view: &str) {
    let mut found = table::cells(&plant.table("points"), &POINTS).await;
    found.sort();
    let row = |point: Point| {
        let path = place(&point, view);
        let id = point.historian_item_id.clone().unwrap_or_else(|| path.clone());
        let scale = |text: &str| if point.units.is_empty() { String::new() } else { text.to_owned() };
        let none = String::new();
        vec![
            id,
            path.clone(),
            path,
            point.description.clone(),
            none.clone(),
            point.units.to_owned(),
            none.clone(),
            none.clone(),
            none,
            scale("0.0"),
            scale("150.0"),
        ]
    };
    let points = plant.server.truth().points().into_iter();
    let mut expected: Vec<_> = points.filter(|point| !point.diagnostic && !point.hidden).map(row).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nodes_and_tags_of_both_views_are_one_row_each() {
    for view in ["SIMHIST", "UNS"] {
        let plant = plant(view);
        for _run in 0..2 {
            plant.run(0);
            assert_nodes_mirror(&plant, view).await;
            assert_points_mirror(&plant, view).await;
        }
        let depths = table::integers(&plant.table("asset_hierarchy"), "depth").await;
        assert!(depths.iter().max() >= Some(&2) && depths.len() > 10, "{depths:?}");
    }
}

#[tokio::test]
async fn what_is_added_moved_or_taken_away_is_so_after_the_next_run() {
    let plant = plant("UNS");
    plant.run(0);
    let truth = plant.server.truth();
    let name = "Line 009.Fan0009.Draught".to_owned();
    truth.add_tag(&Override { name: Some(name), born: Some(now()), ..Override::default() });
    for tag in 10..15 {
        assert!(truth.remove_tag(tag));
    }
    plant.run(0);
    let expected = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    let gone: Vec<String> = truth.points()[10..15].iter().map(|point| truth::id(point).to_owned()).collect();
    let ids = table::strings(&plant.table("points"), "tag_webid").await;
    assert!(ids.len() == 56 && gone.iter().all(|id| !ids.contains(id)), "{ids:?}");
    // The five tags were all that their asset had.
    let asset = place(&truth.points()[10], "UNS").rsplit_once('.').unwrap().0.to_owned();
    let nodes = table::strings(&plant.table("asset_hierarchy"), "element_id").await;
    assert!(!nodes.contains(&asset), "{asset} is still there");
    assert_eq!(nodes.len(), expected(expected_nodes(&plant, "UNS")).len() - 1);
}

#[tokio::test]
async fn nodes_that_cannot_be_read_leave_the_table_as_it_was_and_stop_nothing_else() {
    let plant = plant("UNS");
    plant.run(0);
    for (effect, route) in [
        (Effect::Errors, "browseNodes"),
        (Effect::NoPayload, "browseNodes"),
        (Effect::Cut { keep: 0.5 }, "getAssetInstances"),
        (Effect::Status { code: 403 }, "getAssetTypes"),
        (Effect::Html, "getAssetTypes"),
        (Effect::NoPayload, "getAssetTypes"),
    ] {
        // The first nodes are the views.
        let nth = if route == "browseNodes" { 4 } else { 1 };
        plant.server.set_faults(vec![Fault::new(effect.clone()).route(route).nth(nth)]);
        let ended = plant.tidegate(&["run"]);
        assert!(plant.server.fired()[0] > 0, "{effect:?} on {route} was never met");
        assert_eq!(ended.code, 3, "{effect:?} on {route}: {ended:#?}");
        assert_nodes_mirror(&plant, "UNS").await;
        plant.server.set_faults(Vec::new());
        plant.run(0);
        assert_nodes_mirror(&plant, "UNS").await;
    }
}
