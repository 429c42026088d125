//! Databases, elements and templates: lists, filters, paging, identity, and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_simulators::pi::{Assets, Config, Element, Form, Knobs, Server};

use crate::client::{clean, database, encode, get, items, launch, pages, plant, texts};

fn truth(server: &Server) -> BTreeMap<String, Element> {
    server.truth().assets().elements("Plant").into_iter().map(|element| (element.id.clone(), element)).collect()
}

fn seen(server: &Server) -> BTreeSet<String> {
    truth(server).into_values().filter(|element| !element.hidden).map(|element| element.id).collect()
}

fn same(item: &Value, element: &Element) {
    assert_eq!(item["WebId"], element.web_id(Form::Full));
    assert_eq!(item["Name"], element.name.as_str());
    assert_eq!(item["Description"], element.description.as_str());
    assert_eq!(item["Path"], element.path.as_str());
    assert_eq!(item["TemplateName"], element.template.as_str());
    assert_eq!(item["HasChildren"], element.has_children);
    assert_eq!(item["CategoryNames"], serde_json::json!(element.categories));
    for (key, value) in &element.extended {
        assert_eq!(item["ExtendedProperties"][key]["Value"], value.as_str());
    }
    assert_eq!(item["ExtendedProperties"].as_object().unwrap().len(), element.extended.len());
    let links = &item["Links"];
    assert_eq!(links["Parent"].is_string(), element.parent.is_some());
    assert_eq!(links["Template"].is_string(), !element.template.is_empty());
    for name in ["Self", "Elements", "Attributes", "Database", "EventFrames", "RecordedData", "Value", "Security"] {
        assert!(links[name].is_string(), "{name}: {links}");
    }
}

#[test]
fn the_whole_hierarchy_comes_once_each_in_pages_and_equals_the_truth() {
    let server = launch(plant());
    let found =
        pages(&server, &format!("{}/elements?searchFullHierarchy=true&associations=Paths", database(&server)), 47);
    let truth = truth(&server);
    assert_eq!(found.len(), 295);
    assert_eq!(
        found.iter().map(|item| item["Id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        seen(&server)
    );
    for item in &found {
        let element = &truth[item["Id"].as_str().unwrap()];
        same(item, element);
        assert_eq!(item["Paths"], serde_json::json!(element.paths));
    }
    let names: Vec<String> = texts(&found, "Name").iter().map(|name| name.to_lowercase()).collect();
    assert!(names.is_sorted(), "by name unless asked otherwise");
    assert!(truth.values().filter(|element| element.paths.len() > 1).count() >= 12);
    assert_eq!(truth.values().map(|element| element.depth).max(), Some(14));
}

#[test]
fn a_crawl_level_by_level_meets_an_element_once_per_parent_and_ends_in_spite_of_the_loop() {
    let server = launch(plant());
    let truth = truth(&server);
    let mut edges: BTreeSet<(Option<String>, String)> = BTreeSet::new();
    let mut crawled: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<(Option<String>, String)> = vec![(None, database(&server))];
    while let Some((parent, path)) = open.pop() {
        for item in items(
            &get(&server, &format!("{path}/elements?webIdType=IDOnly&selectedFields=Items.Id;Items.WebId")).json(),
        ) {
            let id = item["Id"].as_str().unwrap().to_owned();
            assert_eq!(item.as_object().unwrap().len(), 2, "only what is selected");
            edges.insert((parent.clone(), id.clone()));
            if crawled.insert(id.clone()) {
                open.push((Some(id), format!("/elements/{}", item["WebId"].as_str().unwrap())));
            }
        }
    }
    let visible = truth.values().filter(|element| !element.hidden);
    let expected: BTreeSet<(Option<String>, String)> = visible
        .flat_map(|element| {
            let parents = element.held_by.iter().cloned().chain([element.parent.clone()]);
            parents.map(|parent| (parent, element.id.clone())).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(edges, expected);
    assert!(edges.len() > crawled.len());
}

#[test]
fn references_have_lists_of_their_own() {
    let server = launch(plant());
    let truth = truth(&server);
    let at_root = truth.values().filter(|element| element.held_by.contains(&None) && element.parent.is_some());
    let listed = items(&get(&server, &format!("{}/referencedelements", database(&server))).json());
    assert_eq!(listed.len(), at_root.count());
    let held = truth.values().find(|element| matches!(element.held_by.first(), Some(Some(_)))).unwrap();
    let holder = &truth[held.held_by[0].as_ref().unwrap()];
    let path = format!("/elements/{}", holder.web_id(Form::IdOnly));
    assert!(texts(&items(&get(&server, &format!("{path}/referencedelements")).json()), "Id").contains(&held.id));
    let knobs = Knobs { elements_hold_references: false, ..Knobs::default() };
    let apart = launch(Config { knobs, ..plant() });
    assert!(texts(&items(&get(&server, &format!("{path}/elements")).json()), "Id").contains(&held.id));
    let own = items(&get(&apart, &format!("{path}/elements")).json());
    assert!(!own.iter().any(|item| item["Id"] == held.id.as_str()));
    let paths = items(&get(&server, &format!("/elements/{}/paths", held.web_id(Form::IdOnly))).json());
    assert_eq!(paths, held.paths.iter().map(|path| Value::from(path.as_str())).collect::<Vec<_>>());
    let knobs = Knobs { element_per_parent: true, ..Knobs::default() };
    let repeating = launch(Config { knobs, ..plant() });
    let found = pages(&repeating, &format!("{}/elements?searchFullHierarchy=true", database(&repeating)), 1000);
    assert!(found.len() > 295, "once for each parent: {}", found.len());
}

#[test]
fn filters_keep_what_they_say() {
    let server = launch(plant());
    let visible: Vec<Element> = truth(&server).into_values().filter(|element| !element.hidden).collect();
    let count = |query: &str| {
        let path = format!("{}/elements?searchFullHierarchy=true&{query}", database(&server));
        items(&get(&server, &path).json()).len()
    };
    let expect = |keep: &dyn Fn(&Element) -> bool| visible.iter().filter(|element| keep(element)).count();
    assert_eq!(count("nameFilter=motor*"), expect(&|element| element.name == "Motor"));
    assert_eq!(count("nameFilter=*"), 295);
    assert_eq!(count("templateName=TankTemplate"), expect(&|element| element.template == "TankTemplate"));
    let family = expect(&|element| matches!(element.template.as_str(), "EquipmentTemplate" | "PumpTemplate"));
    assert_eq!(count("templateName=equipmenttemplate"), family, "derived templates match too");
    assert_eq!(count("templateName=Nothing"), 0);
    assert_eq!(count("categoryName=Critical"), expect(&|element| element.categories.iter().any(|c| c == "Critical")));
    assert_eq!(
        count("descriptionFilter=*built%201970"),
        expect(&|element| element.description.ends_with("built 1970"))
    );
    assert_eq!(count("elementType=Any"), 295);
    assert_eq!(count("elementType=Transfer"), 0);
    assert!(family > 0 && count("categoryName=Critical") > 0);
    assert_eq!(count("sortOrder=Descending&maxCount=3"), 3);
}

#[test]
fn lists_refuse_what_a_real_server_refuses() {
    let server = launch(Config { max_items: 500, ..plant() });
    let list = format!("{}/elements", database(&server));
    for (query, status) in [
        ("maxCount=501", 400),
        ("maxCount=500", 200),
        ("maxCount=0", 400),
        ("startIndex=-1", 400),
        ("startIndex=100000", 200),
        ("searchFullHierarchy=maybe", 400),
        ("sortField=Colour", 400),
        ("sortField=StartTime", 400),
        ("sortField=ID&sortOrder=Descending", 200),
        ("sortOrder=Up", 400),
        ("elementType=Pump", 400),
        ("associations=DataReference", 400),
        ("associations=Paths", 200),
        ("webIdType=Short", 400),
    ] {
        let answer = get(&server, &format!("{list}?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    for (path, status) in [
        ("/assetdatabases", 400),
        ("/assetdatabases?path=", 400),
        ("/assetdatabases?path=Plant", 400),
        ("/assetdatabases?path=%5C%5CSIMAF%5CNone", 404),
        ("/assetdatabases?path=%5C%5Csimaf%5Cplant", 200),
        ("/elements", 400),
        ("/elements?path=%5C%5CSIMAF%5CPlant%5CNowhere", 404),
        ("/elements/garbage!", 400),
        ("/elements/I1EmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g", 404),
        ("/elements/multiple", 400),
        ("/elementtemplates/I1ETERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g", 404),
    ] {
        assert_eq!(get(&server, path).status, status, "{path}");
    }
}

#[test]
fn a_single_page_has_first_and_last_only_and_others_lead_on() {
    let server = launch(plant());
    let list = format!("{}/elements?searchFullHierarchy=true&nameFilter=*", database(&server));
    let keys = |query: &str| {
        let links = get(&server, &format!("{list}{query}")).json()["Links"].clone();
        links.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(""), ["First", "Last"]);
    assert_eq!(keys("&maxCount=100"), ["First", "Last", "Next"]);
    assert_eq!(keys("&maxCount=100&startIndex=100"), ["First", "Last", "Next", "Previous"]);
    assert_eq!(keys("&maxCount=100&startIndex=200"), ["First", "Last", "Previous"]);
    let first = get(&server, &format!("{list}&maxCount=100")).json()["Links"]["Next"].as_str().unwrap().to_owned();
    assert!(first.to_lowercase().contains("namefilter=*"), "other parameters are kept: {first}");
}

#[test]
fn an_element_is_found_by_every_form_and_every_path_and_hidden_ones_are_403() {
    let server = launch(plant());
    let truth = truth(&server);
    let several = truth.values().find(|element| element.paths.len() > 1 && element.depth < 4).unwrap();
    for form in Form::ALL {
        let item = get(&server, &format!("/elements/{}", several.web_id(form))).json();
        assert_eq!(item["Id"], several.id.as_str(), "{form:?}");
    }
    for path in &several.paths {
        let item = get(&server, &format!("/elements?path={}&webIdType=IDOnly", encode(path))).json();
        assert_eq!((&item["Id"], &item["Path"]), (&several.id.as_str().into(), &several.path.as_str().into()));
        assert_eq!(item["WebId"], several.web_id(Form::IdOnly));
    }
    let hidden = truth.values().find(|element| element.hidden).unwrap();
    let id = hidden.web_id(Form::IdOnly);
    for path in ["", "/elements", "/attributes", "/eventframes", "/paths"] {
        assert_eq!(get(&server, &format!("/elements/{id}{path}")).status, 403, "{path}");
    }
    assert_eq!(get(&server, &format!("/streamsets/{id}/value")).status, 403);
    let both = get(&server, &format!("/elements/multiple?webId={id}&path={}", encode(&several.path)));
    assert_eq!(both.status, 207);
    assert!(items(&both.json())[0]["Exception"]["Errors"].is_array());
    assert_eq!(items(&both.json())[1]["Object"]["Id"], several.id.as_str());
    assert_eq!(items(&both.json())[1]["IdentifierType"], "Path");
    let only = get(&server, &format!("/elements/multiple?webId={id}&includeMode=ItemsWithoutExceptionOnly"));
    assert!(items(&only.json()).is_empty());
}

#[test]
fn a_very_deep_full_web_id_does_not_fit_into_a_path() {
    let server = launch(plant());
    let deep = truth(&server).into_values().max_by_key(|element| element.path.len()).unwrap();
    assert!(deep.web_id(Form::Full).len() > 260);
    let refused = get(&server, &format!("/elements/{}", deep.web_id(Form::Full)));
    assert_eq!((refused.status, refused.text().contains("<HTML>")), (400, true));
    assert_eq!(get(&server, &format!("/elements/{}", deep.web_id(Form::IdOnly))).status, 200);
}

#[test]
fn every_database_of_a_server_has_elements_of_its_own() {
    let assets = Assets { databases: vec!["North".into(), "South & East".into()], elements: 20, ..Assets::default() };
    let server = launch(Config { assets, ..clean() });
    let af = items(&get(&server, "/assetservers").json())[0]["WebId"].as_str().unwrap().to_owned();
    assert_eq!(get(&server, "/assetservers?name=simaf").json()["WebId"], af.as_str());
    assert_eq!(get(&server, "/assetservers?path=%5C%5CSIMAF").json()["WebId"], af.as_str());
    let bases = items(&get(&server, &format!("/assetservers/{af}/assetdatabases")).json());
    assert_eq!(texts(&bases, "Name"), ["North", "South & East"]);
    let ids = |base: &Value| -> BTreeSet<String> {
        let list = format!("/assetdatabases/{}/elements?searchFullHierarchy=true", base["WebId"].as_str().unwrap());
        texts(&items(&get(&server, &list).json()), "Id").into_iter().collect()
    };
    assert_eq!(ids(&bases[0]).len(), 20);
    assert!(ids(&bases[0]).is_disjoint(&ids(&bases[1])));
}

#[test]
fn templates_of_elements_and_frames_share_a_list_that_asks_for_a_field() {
    let server = launch(plant());
    let list = format!("{}/elementtemplates", database(&server));
    let found = items(&get(&server, &list).json());
    assert_eq!(found.len(), 6);
    let frames = found.iter().filter(|item| item["InstanceType"] == "EventFrame").count();
    assert_eq!(frames, 3);
    let pump = found.iter().find(|item| item["Name"] == "PumpTemplate").unwrap();
    assert_eq!(pump["BaseTemplate"], "EquipmentTemplate");
    let one = get(&server, &format!("/elementtemplates/{}", pump["WebId"].as_str().unwrap())).json();
    assert_eq!(&one, pump);
    assert_eq!(get(&server, &format!("{list}?query=Pump*")).status, 400);
    assert_eq!(items(&get(&server, &format!("{list}?query=Pump*&field=Name")).json()).len(), 1);
    assert_eq!(items(&get(&server, &format!("{list}?startIndex=4")).json()).len(), 6, "there is no startIndex");
    let knobs = Knobs { templates_need_field: false, templates_start_index: true, ..Knobs::default() };
    let newer = launch(Config { knobs, ..plant() });
    assert_eq!(items(&get(&newer, &format!("{list}?query=Pump*")).json()).len(), 1);
    assert_eq!(items(&get(&newer, &format!("{list}?startIndex=4")).json()).len(), 2);
}

#[test]
fn the_same_seed_grows_the_same_plant_and_another_seed_another_one() {
    let [one, two] = [plant(), plant()].map(launch);
    let elements = |server: &Server| server.truth().assets().elements("Plant");
    assert_eq!(elements(&one), elements(&two));
    assert_eq!(one.truth().frames().all("Plant"), two.truth().frames().all("Plant"));
    let list = format!("{}/elements?searchFullHierarchy=true", database(&one));
    assert_eq!(get(&one, &list).body, get(&two, &list).body);
    let other = launch(Config { seed: 2, ..plant() });
    assert_ne!(elements(&one), elements(&other));
    assert_ne!(one.truth().frames().all("Plant"), other.truth().frames().all("Plant"));
}
