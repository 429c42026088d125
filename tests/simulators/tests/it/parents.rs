//! Stream sets of one parent, alone and as the fan-out of a batch over event frames.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_simulators::pi::{Config, Element, Event, Form, Frame, Knobs, Server};

use crate::client::{batch, database, get, items, launch, plant, texts};

fn frames(server: &Server) -> Vec<Frame> {
    server.truth().frames().all("Plant").into_iter().filter(|frame| frame.parent.is_none()).collect()
}

fn element(server: &Server) -> Element {
    server.truth().assets().elements("Plant").swap_remove(6)
}

fn timed(event: &Event, units: &str) -> Value {
    json!({
        "Timestamp": event.timestamp(), "Value": serde_json::from_str::<Value>(&event.value.json()).unwrap(),
        "UnitsAbbreviation": units, "Good": event.good, "Questionable": event.questionable,
        "Substituted": event.substituted, "Annotated": event.annotated,
    })
}

#[test]
fn the_values_of_a_frame_are_those_of_the_truth_in_every_shape() {
    let server = launch(plant());
    let mut shapes = BTreeMap::new();
    for frame in frames(&server).iter().step_by(7).chain(frames(&server).iter().filter(|frame| frame.end.is_none())) {
        let list = items(&get(&server, &format!("/streamsets/{}/value", frame.web_id(Form::IdOnly))).json());
        let values = server.truth().frames().values(&frame.id);
        assert_eq!(list.len(), 10);
        let attributes = server.truth().frames().attributes(&frame.id);
        for (item, ((name, event), attribute)) in list.iter().zip(values.iter().zip(&attributes)) {
            assert_eq!(
                item,
                &json!({
                    "WebId": attribute.web_id(Form::Full), "Name": name, "Path": attribute.path,
                    "Links": item["Links"], "Value": timed(event, ""),
                })
            );
            let value = &item["Value"]["Value"];
            let shape = match value {
                Value::Object(members) if members.contains_key("Errors") => "error",
                Value::Object(members) if members["IsSystem"] == true => "system",
                Value::Object(_) => "digital",
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                _ => "number",
            };
            *shapes.entry((shape, event.good)).or_insert(0) += 1;
        }
    }
    for shape in [("error", false), ("system", false), ("digital", true), ("array", true), ("string", true)] {
        assert!(shapes.contains_key(&shape), "{shape:?} in {shapes:?}");
    }
    assert!(shapes.contains_key(&("number", true)) && shapes.contains_key(&("bool", true)));
    let odd: i32 = shapes.iter().filter(|((shape, good), _)| *shape == "string" && !good).map(|(_, count)| count).sum();
    assert!(odd > 0, "plain texts that are not good");
}

#[test]
fn the_values_of_an_element_follow_the_filters() {
    let server = launch(plant());
    let id = element(&server).web_id(Form::IdOnly);
    let names = |query: &str| texts(&items(&get(&server, &format!("/streamsets/{id}/value{query}")).json()), "Name");
    assert_eq!(names("").len(), 14);
    assert_eq!(names("?showHidden=true&showExcluded=true").len(), 16);
    assert_eq!(names("?searchFullHierarchy=true").len(), 16);
    assert_eq!(names("?nameFilter=*pressure&sortField=Name&sortOrder=Descending"), ["Pressure", "Design Pressure"]);
    for item in items(&get(&server, &format!("/streamsets/{id}/value?time=2024-03-01T06:00:00Z")).json()) {
        let attributes = server.truth().assets().attributes(&element(&server).id);
        let attribute = attributes.iter().find(|attribute| item["Name"] == attribute.name.as_str()).unwrap();
        let event = server.truth().assets().value(attribute, 17_092_728_000_000_000);
        assert_eq!(item["Value"], timed(&event, &attribute.units));
    }
    let point = server.truth().points()[0].web_id(Form::Full);
    assert_eq!(get(&server, &format!("/streamsets/{point}/value")).status, 404);
    assert_eq!(get(&server, "/streamsets/rubbish/value").status, 400);
    assert_eq!(get(&server, &format!("/streamsets/{id}/value?sortField=ID")).status, 400);
}

#[test]
fn recorded_of_a_parent_leaves_out_what_has_no_history_or_is_409() {
    let server = launch(plant());
    let element = element(&server);
    let id = element.web_id(Form::IdOnly);
    let window = "startTime=2024-03-01T00:00:00Z&endTime=2024-03-01T06:00:00Z&maxCount=1000";
    let list = items(&get(&server, &format!("/streamsets/{id}/recorded?{window}")).json());
    assert_eq!(texts(&list, "Name"), ["Temperature", "Pressure", "Flow"]);
    let attributes = server.truth().assets().attributes(&element.id);
    for item in &list {
        let attribute = attributes.iter().find(|attribute| item["Name"] == attribute.name.as_str()).unwrap();
        let from = 1_709_251_200_000_000_000;
        let events = server.truth().events(attribute.tag.unwrap(), from, from + 21_600_000_000_001);
        assert_eq!(items(item), events.iter().map(|event| timed(event, &attribute.units)).collect::<Vec<_>>());
        assert_eq!(item["UnitsAbbreviation"], attribute.units.as_str());
    }
    let knobs = Knobs { parent_recorded_conflict: true, ..Knobs::default() };
    let strict = launch(Config { knobs, ..plant() });
    assert_eq!(get(&strict, &format!("/streamsets/{id}/recorded?{window}")).status, 409);
    assert_eq!(get(&strict, &format!("/streamsets/{id}/recorded?{window}&nameFilter=Flow")).status, 200);
}

#[test]
fn a_frame_gives_its_streams_its_own_window() {
    let server = launch(plant());
    let frame = frames(&server).into_iter().find(|f| f.end.is_some_and(|end| end - f.start > 72_000_000_000));
    let frame = frame.unwrap();
    let list = items(&get(&server, &format!("/streamsets/{}/recorded", frame.web_id(Form::IdOnly))).json());
    let attributes = server.truth().frames().attributes(&frame.id);
    let tag = attributes.iter().find_map(|attribute| attribute.tag).unwrap();
    let events = server.truth().events(tag, frame.start * 100, frame.end.unwrap() * 100 + 1);
    assert_eq!(list.len(), 1);
    assert_eq!(items(&list[0]), events.iter().map(|event| timed(event, "")).collect::<Vec<_>>());
    assert!(!events.is_empty());
}

#[test]
fn attributes_of_frames_and_elements_can_be_read_one_by_one() {
    let server = launch(plant());
    let frame = &frames(&server)[5];
    let attributes = server.truth().frames().attributes(&frame.id);
    let ids: Vec<String> = attributes.iter().map(|a| format!("webId={}", a.web_id(Form::IdOnly))).collect();
    let list = items(&get(&server, &format!("/streamsets/value?{}&webIdType=IDOnly", ids.join("&"))).json());
    for (item, (attribute, (_, event))) in
        list.iter().zip(attributes.iter().zip(&server.truth().frames().values(&frame.id)))
    {
        assert_eq!(item["WebId"], attribute.web_id(Form::IdOnly));
        assert_eq!(item["Value"], timed(event, ""));
    }
    assert_eq!(list.len(), 10);
    for attribute in &attributes {
        let one = get(&server, &format!("/attributes/{}/value", attribute.web_id(Form::IdOnly)));
        assert_eq!(one.status, 200, "{}", attribute.name);
    }
}

#[test]
fn a_batch_reads_the_values_of_many_frames_in_one_call() {
    let server = launch(plant());
    let resource = format!(
        "https://pi/piwebapi{}/eventframes?searchMode=ForwardFromStartTime&startTime=2024-02-28T00:00:00Z&maxCount=25\
         &selectedFields=Items.WebId;Items.Id",
        database(&server)
    );
    let template = "https://pi/piwebapi/streamsets/{0}/value?selectedFields=Items.Name;Items.Value.Value";
    let answer = batch(
        &server,
        &json!({
            "ef": {"Method": "GET", "Resource": resource},
            "values": {"Method": "GET", "ParentIds": ["ef"], "Parameters": ["$.ef.Content.Items[*].WebId"],
                "RequestTemplate": {"Resource": template}},
        }),
    );
    assert_eq!(answer.status, 207);
    let answer = answer.json();
    let ids = texts(&items(&answer["ef"]["Content"]), "Id");
    assert_eq!((ids.len(), &answer["values"]["Status"]), (25, &json!(207)));
    assert_eq!(answer["values"]["Content"]["Total"], 25);
    for (id, sub) in ids.iter().zip(items(&answer["values"]["Content"])) {
        assert_eq!(sub["Status"], 200);
        let expected: Vec<Value> = server
            .truth()
            .frames()
            .values(id)
            .iter()
            .map(|(name, event)| {
                json!({"Name": name, "Value": {"Value": serde_json::from_str::<Value>(&event.value.json()).unwrap()}})
            })
            .collect();
        assert_eq!(items(&sub["Content"]), expected);
    }
    assert_eq!(server.stats().sub_requests["streamsets/parent/value"], 25);
}
