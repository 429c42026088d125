//! Browsing shows every tag once per view, level by level or all at once, page by page.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_simulators::canary::{Config, Override, Server};

use super::client::{clean, code, good, launch, path, with};

fn tags(server: &Server, ask: &Value) -> (Vec<String>, usize) {
    let (mut found, mut next) = (Vec::new(), Value::Null);
    for page in 1.. {
        let answer = good(server, "browseTags", &with(ask, json!({"continuation": next})));
        found.extend(answer["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()));
        next = answer["continuation"].clone();
        if next.is_null() {
            return (found, page);
        }
    }
    unreachable!()
}

/// Every tag found by walking the nodes.
fn walk(server: &Server, node: &str, found: &mut BTreeSet<String>) {
    for (name, child) in good(server, "browseNodes", &json!({"path": node}))["nodes"].as_object().unwrap() {
        let path = child["fullPath"].as_str().unwrap();
        assert_eq!(path, if node.is_empty() { name.clone() } else { format!("{node}.{name}") });
        let direct = tags(server, &json!({"path": path})).0;
        assert_eq!(child["hasTags"], json!(!direct.is_empty()), "{path}");
        found.extend(direct);
        if child["hasNodes"].as_bool().unwrap() {
            walk(server, path, found);
        }
    }
}

#[test]
fn walking_and_listing_find_the_same_tags_in_both_views() {
    let server = launch(Config { tags: 45, hostile_names: true, hidden: vec![1, 7], ..clean() });
    let mut walked = BTreeSet::new();
    walk(&server, "", &mut walked);
    let (listed, pages) = tags(&server, &json!({"deep": true, "maxSize": 7}));
    assert_eq!(pages, listed.len().div_ceil(7));
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), walked);
    let truth: BTreeSet<String> = server
        .truth()
        .points()
        .iter()
        .filter(|point| !point.hidden)
        .flat_map(|point| point.paths().into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(walked, truth);
    assert_eq!(listed.len(), 2 * 43 + 2, "both views, two diagnostic tags");
    assert!(listed.iter().any(|tag| tag.contains(['%', '(', '#'])) && listed.iter().any(|tag| !tag.is_ascii()));
    assert!(listed.iter().filter(|tag| tag.starts_with("UNS.")).all(|tag| tag.matches('.').count() == 5));
}

#[test]
fn a_view_path_and_its_historian_path_are_one_stored_tag() {
    let server = launch(Config { calculated: 1, empty: 1, ..clean() });
    let point = &server.truth().points()[0];
    let ids = |tag: &str| {
        good(&server, "getTagContext", &json!({"tags": [tag], "timezone": "UTC"}))["data"][0]["tagContext"].clone()
    };
    assert_eq!(ids(&point.path), ids(point.asset_path.as_deref().unwrap()));
    assert_eq!(ids(&point.path)["historianItemId"], json!(point.historian_item_id));
    assert_eq!(ids(&point.path.replace("SIMHIST", "localhost"))["historianItemId"], json!(point.historian_item_id));
    assert_eq!(ids(&path(&server, 8))["historianItemId"], Value::Null, "calculated");
    assert!(ids(&path(&server, 8))["oldestTimeStamp"].is_string());
    assert_eq!(ids(&path(&server, 9))["oldestTimeStamp"], Value::Null, "empty");
}

#[test]
fn search_terms_must_all_be_contained() {
    let server = launch(clean());
    let search = |text: &str| tags(&server, &json!({"path": "SIMHIST", "deep": true, "search": text})).0.len();
    assert_eq!((search("pump flow"), search("FLOW pump"), search("flow nowhere"), search("fl*w")), (1, 1, 0, 0));
}

#[test]
fn an_altered_continuation_is_an_error() {
    let server = launch(clean());
    let ask = json!({"path": "SIMHIST", "deep": true, "maxSize": 3});
    let next = good(&server, "browseTags", &ask)["continuation"].as_str().unwrap().to_owned();
    assert_eq!(next, "pathid=SIMHIST\tindex=3");
    let go = |text: &str, extra: Value| {
        code(&server, "browseTags", &with(&with(&ask, json!({"continuation": text})), extra))
    };
    assert_eq!(go(&next, json!({})), "Good");
    for wrong in
        ["pathid=SIMHIST index=3", "pathid=SIMHIST\tindex=4", "pathid=UNS\tindex=3", "pathid=SIMHIST\tindex=3 ", "x"]
    {
        assert_eq!(go(wrong, json!({})), "Errors", "{wrong}");
    }
    assert_eq!(go(&next, json!({"deep": false})), "Errors");
}

#[test]
fn twenty_five_thousand_tags_are_listed_in_good_time() {
    let begin = Instant::now();
    let server = launch(Config { tags: 25_000, ..clean() });
    let (found, pages) = tags(&server, &json!({"path": "SIMHIST.Plant A", "deep": true}));
    assert_eq!((found.len(), pages), (25_000, 3));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn sequences_change_when_views_are_rebuilt() {
    let server = launch(clean());
    let sequence =
        |view: &str| good(&server, "browseStatus", &json!({"views": [view]}))["views"][view]["sequence"].clone();
    let before = [sequence("SIMHIST"), sequence("UNS")];
    assert!(before[0].is_string());
    assert!(server.truth().bump_sequence("UNS") && !server.truth().bump_sequence("NONE"));
    assert_eq!((sequence("SIMHIST") == before[0], sequence("UNS") == before[1]), (true, false));
    let index = server.truth().add_tag(&Override { name: Some("New (tag)".into()), ..Override::default() });
    assert_ne!(sequence("SIMHIST"), before[0]);
    let listed = tags(&server, &json!({"path": "SIMHIST.Plant A", "deep": true})).0;
    assert!(listed.contains(&"SIMHIST.Plant A.New (tag)".to_owned()));
    assert!(server.truth().remove_tag(index) && !server.truth().remove_tag(index));
    assert!(!tags(&server, &json!({"deep": true})).0.iter().any(|tag| tag.contains("New (tag)")));
}

#[test]
fn properties_are_strings_and_some_collectors_call_units_otherwise() {
    let server = launch(clean());
    let answer = good(&server, "getTagProperties", &json!({"path": "SIMHIST.Plant A", "deep": true}));
    let all = answer["properties"].as_object().unwrap();
    assert_eq!(all.len(), 10);
    for point in server.truth().points().iter().filter(|point| !point.diagnostic) {
        let shown = all[&point.path].as_object().unwrap();
        assert!(shown.values().all(Value::is_string));
        let units = shown.get("Units").or_else(|| shown.get("engUnit")).map(|it| it.as_str().unwrap());
        assert_eq!(units.unwrap_or_default(), point.units);
    }
    assert!(all.values().any(|it| it.get("engUnit").is_some()));
}

#[test]
fn the_asset_model_has_types_and_instances() {
    let server = launch(Config { tags: 45, ..clean() });
    assert_eq!(good(&server, "getVirtualViews", &json!({}))["views"], json!(["UNS"]));
    let types = good(&server, "getAssetTypes", &json!({"view": "UNS", "parentType": "Equipment"}));
    assert_eq!(types["assetTypes"], json!(["Pump", "Motor", "Boiler"]));
    let of = |kind: &str| {
        good(&server, "getAssetInstances", &json!({"view": "UNS", "assetType": kind}))["assetInstances"].clone()
    };
    assert_eq!((of("Pump").as_array().unwrap().len(), of("Equipment").as_array().unwrap().len()), (3, 9));
    let names = good(&server, "getAssetTypeTags", &json!({"view": "UNS", "assetType": "Pump"}));
    assert_eq!(names["assetTypeTags"], json!(["Flow", "Pressure", "Running", "Temperature", "Vibration"]));
    for wrong in [json!({"view": "NONE"}), json!({"assetType": "Valve"}), json!({"filterExpression": "[A] == 0"})] {
        let ask = with(&json!({"view": "UNS", "assetType": "Pump"}), wrong);
        assert_eq!(code(&server, "getAssetInstances", &ask), "Errors");
    }
}
