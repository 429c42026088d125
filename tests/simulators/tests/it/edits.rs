//! The plant changes while the server runs, and later answers show it.

use tidegate_simulators::pi::{Element, Event, Form, Frame, NewFrame, Server, Value, parse_rfc3339};

use crate::client::{database, encode, get, items, launch, pages, plant, texts};

fn status(server: &Server, element: &Element) -> u16 {
    get(server, &format!("/elements/{}", element.web_id(Form::IdOnly))).status
}

fn with_children(server: &Server) -> Element {
    let all = server.truth().assets().elements("Plant");
    let kept = |element: &&Element| element.has_children && element.depth > 1 && element.paths.len() == 1;
    all.iter().find(kept).unwrap().clone()
}

fn children(server: &Server, parent: &Element) -> Vec<Element> {
    let all = server.truth().assets().elements("Plant");
    all.into_iter().filter(|element| element.parent.as_ref() == Some(&parent.id)).collect()
}

#[test]
fn a_rename_moves_every_path_below_it_and_old_full_web_ids_still_resolve() {
    let server = launch(plant());
    let (assets, old) = (server.truth().assets(), with_children(&server));
    let child = children(&server, &old).remove(0);
    assert!(assets.rename(&old.id, "Renamed & moved"));
    let new = get(&server, &format!("/elements/{}", old.web_id(Form::Full))).json();
    assert_eq!((&new["Id"], &new["Name"]), (&old.id.as_str().into(), &"Renamed & moved".into()));
    assert_ne!(new["WebId"], old.web_id(Form::Full), "a full WebId holds the path");
    assert_eq!(get(&server, &format!("/elements?path={}", encode(&old.path))).status, 404);
    assert_eq!(get(&server, &format!("/elements/{}", old.web_id(Form::PathOnly))).status, 404);
    let moved = assets.element(&child.id).unwrap();
    assert!(moved.path.contains("Renamed & moved") && moved.path.ends_with(&child.name));
    assert_eq!(get(&server, &format!("/elements?path={}", encode(&moved.path))).json()["Id"], child.id.as_str());
    let attribute = assets.attributes(&child.id).remove(0);
    assert!(attribute.path.starts_with(&moved.path));
}

#[test]
fn elements_move_come_go_and_hide() {
    let server = launch(plant());
    let (assets, parent) = (server.truth().assets(), with_children(&server));
    let child = children(&server, &parent).into_iter().find(|element| element.held_by.is_empty()).unwrap();
    assert!(!assets.move_to(&parent.id, Some(&child.id)), "no element below itself");
    assert!(assets.move_to(&child.id, None));
    let moved = get(&server, &format!("/elements/{}", child.web_id(Form::IdOnly))).json();
    assert!(moved["Links"]["Parent"].is_null());
    assert_eq!(moved["Path"], format!(r"\\SIMAF\Plant\{}", child.name));
    let added = assets.add("Plant", Some(&child.id), "Newcomer", Some("PumpTemplate")).unwrap();
    let list = format!("/elements/{}/elements?nameFilter=Newcomer", child.web_id(Form::IdOnly));
    assert_eq!(texts(&items(&get(&server, &list).json()), "Id"), [added.as_str()]);
    assert!(
        assets.add("Plant", Some("nothing"), "X", None).is_none() && assets.add("Nowhere", None, "X", None).is_none()
    );
    let newcomer = assets.element(&added).unwrap();
    assert_eq!(assets.attributes(&added).len(), 18);
    assert!(assets.hide(&child.id, true));
    assert_eq!((status(&server, &child), status(&server, &newcomer)), (403, 403), "what lies below hides too");
    assert!(assets.hide(&child.id, false) && status(&server, &newcomer) == 200);
    assert!(assets.delete(&child.id));
    assert_eq!((status(&server, &child), status(&server, &newcomer)), (404, 404));
    assert!(!assets.delete(&child.id) && assets.element(&added).is_none());
}

#[test]
fn an_element_outlives_its_first_parent_where_it_has_another() {
    let server = launch(plant());
    let assets = server.truth().assets();
    let parent = with_children(&server);
    let child = children(&server, &parent).remove(0);
    let other = assets.elements("Plant").into_iter().find(|e| e.depth == 0 && !e.paths.is_empty()).unwrap();
    assert!(assets.hold(Some(&other.id), &child.id) && !assets.hold(Some(&other.id), &child.id));
    assert!(assets.delete(&parent.id));
    assert_eq!(assets.element(&child.id).unwrap().parent, Some(other.id));
    assert_eq!(status(&server, &child), 200);
}

#[test]
fn attributes_change_as_the_truth_says() {
    let server = launch(plant());
    let (assets, element) = (server.truth().assets(), with_children(&server));
    assert!(assets.change_attributes(&element.id, |all| {
        all.retain(|attribute| attribute.name != "Flow");
        let first = &mut all[0];
        (first.name, first.hidden) = ("Hotness".into(), false);
        first.value = Some(Event::good(0, Value::Int(7)));
    }));
    let list = format!("/elements/{}/attributes?selectedFields=Items.Name;Items.Path", element.web_id(Form::IdOnly));
    let found = items(&get(&server, &list).json());
    assert!(
        texts(&found, "Name").contains(&"Hotness".to_owned()) && !texts(&found, "Name").contains(&"Flow".to_owned())
    );
    assert!(texts(&found, "Path").contains(&format!("{}|Hotness", element.path)));
    let bulk = format!("{}/elementattributes?searchFullHierarchy=true", database(&server));
    let names = texts(&pages(&server, &bulk, 5000), "Name");
    assert_eq!(names.iter().filter(|name| *name == "Hotness").count(), 1);
    assert_eq!(names.iter().filter(|name| *name == "Flow").count(), 294);
}

#[test]
fn frames_are_added_closed_corrected_acknowledged_and_deleted() {
    let server = launch(plant());
    let frames = server.truth().frames();
    let at = |text: &str| parse_rfc3339(text).unwrap();
    let show = |id: &str| {
        let frame: Frame = frames.frame(id).unwrap();
        get(&server, &format!("/eventframes/{}", frame.web_id(Form::IdOnly))).json()
    };
    let element = with_children(&server);
    let new = NewFrame {
        name: "Spill".into(),
        template: Some("DowntimeTemplate".into()),
        start: at("2024-03-01T05:00:00Z"),
        elements: vec![element.id.clone()],
        can_be_acknowledged: true,
        ..NewFrame::default()
    };
    let id = frames.add("Plant", new).unwrap();
    assert_eq!(
        (&show(&id)["EndTime"], &show(&id)["AreValuesCaptured"]),
        (&"9999-12-31T23:59:59Z".into(), &false.into())
    );
    assert_eq!(show(&id)["RefElementWebIds"][0], element.web_id(Form::Full));
    let open = frames.values(&id);
    assert!(frames.close(&id, at("2024-03-01T06:00:00Z")));
    assert_eq!(
        (&show(&id)["EndTime"], &show(&id)["AreValuesCaptured"]),
        (&"2024-03-01T06:00:00Z".into(), &true.into())
    );
    let quantity =
        |values: &[(String, Event)]| values.iter().find(|(name, _)| name == "Quantity").unwrap().1.value.clone();
    assert_ne!(quantity(&frames.values(&id)), quantity(&open), "values are captured at the end");
    assert!(frames.set_times(&id, at("2024-02-28T04:00:00Z"), Some(at("2024-02-28T06:00:00Z"))));
    let list = format!(
        "{}/eventframes?nameFilter=Spill&startTime=2024-02-28T03:00:00Z&endTime=2024-02-28T05:00:00Z",
        database(&server)
    );
    assert_eq!(texts(&items(&get(&server, &list).json()), "StartTime"), ["2024-02-28T04:00:00Z"]);
    assert!(frames.acknowledge(&id, "boss", at("2024-03-01T06:30:00Z")));
    assert_eq!((&show(&id)["AcknowledgedBy"], &show(&id)["IsAcknowledged"]), (&"boss".into(), &true.into()));
    let event = Event { good: false, ..Event::good(at("2024-03-01T06:00:00Z"), Value::Text("wet".into())) };
    assert!(frames.set_value(&id, "Final Reading", event));
    let web_id = frames.frame(&id).unwrap().web_id(Form::IdOnly);
    let values = items(&get(&server, &format!("/streamsets/{web_id}/value?nameFilter=Final*")).json());
    assert_eq!((&values[0]["Value"]["Value"], &values[0]["Value"]["Good"]), (&"wet".into(), &false.into()));
    assert!(frames.set_severity(&id, "major") && !frames.set_severity(&id, "dire"));
    assert_eq!(show(&id)["Severity"], "Major");
    assert!(frames.delete(&id) && !frames.delete(&id));
    assert_eq!(get(&server, &format!("/eventframes/{web_id}")).status, 404);
}

#[test]
fn generated_frames_change_too_with_their_children() {
    let server = launch(plant());
    let frames = server.truth().frames();
    let all = frames.all("Plant");
    let parent = all.iter().find(|frame| frame.children.len() == 2).unwrap();
    assert!(frames.rename(&parent.id, "Other name"));
    let child = frames.frame(&parent.children[0]).unwrap();
    assert_eq!(child.path, r"\\SIMAF\Plant\EventFrames[Other name]\Phase 1");
    assert!(frames.delete(&parent.id));
    assert!(frames.frame(&child.id).is_none());
    assert_eq!(frames.all("Plant").len(), all.len() - 3);
    let open = all.iter().find(|frame| frame.end.is_none() && frame.parent.is_none()).unwrap();
    assert!(frames.rename(&open.id, "Forgotten"));
    server.truth().set_end(server.truth().range().1 + 7 * 864_000_000_000);
    assert_eq!(frames.frame(&open.id).unwrap().end, None, "an edited frame does not look at the clock");
}
