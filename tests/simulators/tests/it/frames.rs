//! Event frames: search modes and their rules, objects, references, children, and the passing of time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidegate_simulators::pi::{Config, Form, Frame, Knobs, Server, format_ticks, parse_rfc3339};

use crate::client::{END, database, encode, get, items, launch, pages, plant, texts};

const OPEN: &str = "9999-12-31T23:59:59Z";

fn truth(server: &Server) -> Vec<Frame> {
    server.truth().frames().all("Plant")
}

fn list(server: &Server, query: &str) -> String {
    format!("{}/eventframes?{query}", database(server))
}

fn found(server: &Server, query: &str) -> BTreeSet<String> {
    let answer = get(server, &format!("{}&maxCount=10000", list(server, query)));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    let ids = texts(&items(&answer.json()), "Id");
    let set: BTreeSet<String> = ids.iter().cloned().collect();
    assert_eq!(set.len(), ids.len(), "each once");
    set
}

fn ids<'f>(frames: impl IntoIterator<Item = &'f Frame>) -> BTreeSet<String> {
    frames.into_iter().map(|frame| frame.id.clone()).collect()
}

const ALL: &str = "startTime=2024-02-20T00:00:00Z&endTime=2024-03-02T00:00:00Z";

#[test]
fn frames_equal_the_truth_member_by_member() {
    let server = launch(plant());
    let all = pages(&server, &list(&server, &format!("{ALL}&searchFullHierarchy=true")), 100);
    let truth: BTreeMap<String, Frame> = truth(&server).into_iter().map(|frame| (frame.id.clone(), frame)).collect();
    assert_eq!(all.len(), truth.len());
    let elements: BTreeMap<String, String> = server
        .truth()
        .assets()
        .elements("Plant")
        .into_iter()
        .map(|element| (element.id.clone(), element.web_id(Form::Full)))
        .collect();
    for item in &all {
        let frame = &truth[item["Id"].as_str().unwrap()];
        let refs: Vec<&String> = frame.elements.iter().map(|id| &elements[id]).collect();
        let mut rest = item.clone();
        let members = rest.as_object_mut().unwrap();
        let links = members.remove("Links").unwrap();
        let security = members.remove("Security").unwrap();
        assert_eq!((&security["CanRead"], &security["Rights"][0]), (&json!(true), &json!("Write")));
        assert_eq!(
            rest,
            json!({
                "WebId": frame.web_id(Form::Full), "Id": frame.id, "Name": frame.name,
                "Description": frame.description, "Path": frame.path, "TemplateName": frame.template,
                "HasChildren": !frame.children.is_empty(), "CategoryNames": frame.categories,
                "ExtendedProperties": {}, "StartTime": format_ticks(frame.start),
                "EndTime": frame.end.map_or(OPEN.to_owned(), format_ticks), "Severity": frame.severity,
                "AcknowledgedBy": frame.acknowledged.as_ref().map_or("", |(by, _)| by),
                "AcknowledgedDate": frame.acknowledged.as_ref().map_or(format_ticks(0), |(_, at)| format_ticks(*at)),
                "CanBeAcknowledged": frame.can_be_acknowledged, "IsAcknowledged": frame.acknowledged.is_some(),
                "IsAnnotated": frame.annotated, "IsLocked": frame.locked, "AreValuesCaptured": frame.end.is_some(),
                "RefElementWebIds": refs,
            })
        );
        let last = |name: &str| links[name].as_str().map(|url| url.rsplit('/').next().unwrap().to_owned());
        assert_eq!(last("PrimaryReferencedElement"), refs.first().map(|id| (*id).clone()));
        assert_eq!(last("Parent"), frame.parent.as_ref().map(|id| truth[id].web_id(Form::Full)));
        assert_eq!(links["Template"].is_string(), !frame.template.is_empty());
        assert!(links["Value"].as_str().unwrap().ends_with("/value"));
    }
    assert!(
        truth.values().any(|frame| frame.elements.len() > 1) && truth.values().any(|frame| frame.elements.is_empty())
    );
    assert!(truth.values().any(|frame| frame.acknowledged.is_some()));
    assert!(all.iter().all(|item| item["StartTime"].as_str().unwrap().len() <= 28));
}

#[test]
fn times_lie_on_a_grid_of_a_three_hundredth_of_a_second_and_names_repeat() {
    let server = launch(plant());
    let frames = truth(&server);
    let on_grid = |ticks: i64| {
        let rest = ticks.rem_euclid(10_000_000);
        (rest * 300 + 9_999_999) / 10_000_000 * 10_000_000 / 300 == rest
    };
    assert!(frames.iter().all(|frame| on_grid(frame.start) && frame.end.is_none_or(on_grid)));
    let top: Vec<&Frame> = frames.iter().filter(|frame| frame.parent.is_none()).collect();
    let names: BTreeSet<&String> = top.iter().map(|frame| &frame.name).collect();
    assert!(names.len() < top.len(), "names are not unique");
    assert_eq!(top.iter().filter(|frame| frame.end.is_none()).count(), 3);
    assert!((100..=121).contains(&top.len()), "{}", top.len());
}

#[test]
fn every_search_mode_keeps_what_it_says() {
    let server = launch(plant());
    let all = truth(&server);
    let (lo, hi) = ("2024-02-28T00:00:00Z", "2024-02-28T12:00:00Z");
    let (from, to) = (parse_rfc3339(lo).unwrap(), parse_rfc3339(hi).unwrap());
    let window = format!("startTime={lo}&endTime={hi}&searchFullHierarchy=true");
    let inside = |at: i64| (from..=to).contains(&at);
    let keep = |keep: &dyn Fn(&Frame) -> bool| ids(all.iter().filter(|frame| keep(frame)));
    let ended = |frame: &Frame| frame.end.unwrap_or(i64::MAX);
    for (mode, expected) in [
        ("", keep(&|f| f.start <= to && ended(f) >= from)),
        ("&searchMode=Overlapped", keep(&|f| f.start <= to && ended(f) >= from)),
        ("&searchMode=startinclusive", keep(&|f| inside(f.start))),
        ("&searchMode=EndInclusive", keep(&|f| f.end.is_some_and(inside))),
        ("&searchMode=Inclusive", keep(&|f| inside(f.start) && f.end.is_some_and(inside))),
    ] {
        assert!(!expected.is_empty());
        assert_eq!(found(&server, &format!("{window}{mode}")), expected, "{mode}");
    }
    let open = found(&server, &format!("{ALL}&searchMode=InProgress"));
    assert_eq!(open, keep(&|f| f.end.is_none() && f.parent.is_none()));
    let start = format!("startTime={lo}&searchFullHierarchy=true");
    for (mode, expected) in [
        ("BackwardFromStartTime", keep(&|f| f.start <= from)),
        ("ForwardFromStartTime", keep(&|f| f.start >= from)),
        ("BackwardFromEndTime", keep(&|f| ended(f) <= from)),
        ("ForwardFromEndTime", keep(&|f| ended(f) >= from)),
        ("ForwardInProgress", keep(&|f| f.start >= from && f.end.is_none())),
        ("BackwardInProgress", keep(&|f| f.start <= from && f.end.is_none())),
    ] {
        assert_eq!(found(&server, &format!("{start}&searchMode={mode}")), expected, "{mode}");
    }
    let order =
        |mode: &str| texts(&items(&get(&server, &list(&server, &format!("{start}&{mode}"))).json()), "StartTime");
    assert!(order("searchMode=ForwardFromStartTime").is_sorted());
    assert!(order("searchMode=BackwardFromStartTime").iter().rev().is_sorted());
    assert!(order("searchMode=Overlapped&sortField=StartTime&sortOrder=Ascending").is_sorted());
}

#[test]
fn what_a_mode_forbids_is_400() {
    let server = launch(plant());
    for (query, status) in [
        ("searchMode=None", 400),
        ("searchMode=Exact", 400),
        ("searchMode=Sideways", 400),
        ("searchMode=BackwardFromStartTime&startTime=*", 200),
        ("searchMode=BackwardFromStartTime&endTime=*", 400),
        ("searchMode=ForwardFromEndTime&sortField=Name", 400),
        ("searchMode=ForwardInProgress&sortOrder=Ascending", 400),
        ("startTime=*&endTime=*-1h", 400),
        ("startTime=*-1h&endTime=*-1h", 200),
        ("severity=Severe", 400),
        ("severity=Major&severity=Minor", 200),
        ("isAcknowledged=yes", 400),
        ("sortField=EndTime&sortOrder=Descending", 200),
        ("maxCount=150001", 400),
        ("startTime=soon", 400),
    ] {
        let answer = get(&server, &list(&server, query));
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    for (path, status) in [
        ("/eventframes", 400),
        ("/eventframes?path=x", 400),
        ("/eventframes/multiple", 400),
        ("/eventframes/I1FmERERESIiMzNERFVVVVVVVQqqqqqru7zMzd3e7u7u7u7g", 404),
        ("/eventframes/nonsense", 400),
    ] {
        assert_eq!(get(&server, path).status, status, "{path}");
    }
}

#[test]
fn filters_keep_what_they_say_and_children_need_the_full_hierarchy() {
    let server = launch(plant());
    let all = truth(&server);
    let top: Vec<&Frame> = all.iter().filter(|frame| frame.parent.is_none()).collect();
    let keep = |keep: &dyn Fn(&Frame) -> bool| ids(top.iter().copied().filter(|frame| keep(frame)));
    let elements = server.truth().assets().elements("Plant");
    let refers = |frame: &Frame, is: &dyn Fn(&tidegate_simulators::pi::Element) -> bool| {
        elements.iter().any(|element| is(element) && frame.elements.contains(&element.id))
    };
    assert_eq!(found(&server, ALL), keep(&|_| true));
    assert_eq!(found(&server, &format!("{ALL}&searchFullHierarchy=true")), ids(&all));
    for (query, expected) in [
        ("templateName=DowntimeTemplate", keep(&|f| f.template == "DowntimeTemplate")),
        ("nameFilter=*unplanned", keep(&|f| f.name.ends_with("unplanned"))),
        ("categoryName=BatchRun", keep(&|f| f.categories.iter().any(|c| c == "BatchRun"))),
        ("isAcknowledged=true", keep(&|f| f.acknowledged.is_some())),
        ("canBeAcknowledged=true&isAcknowledged=false", keep(&|f| f.can_be_acknowledged && f.acknowledged.is_none())),
        ("severity=Major&severity=critical", keep(&|f| matches!(f.severity, "Major" | "Critical"))),
        ("referencedElementNameFilter=motor", keep(&|f| refers(f, &|e| e.name == "Motor"))),
        (
            "referencedElementTemplateName=EquipmentTemplate",
            keep(&|f| refers(f, &|e| matches!(e.template.as_str(), "EquipmentTemplate" | "PumpTemplate"))),
        ),
    ] {
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(found(&server, &format!("{ALL}&{query}")), expected, "{query}");
    }
}

#[test]
fn a_frame_leads_to_its_children_elements_and_attributes() {
    let server = launch(plant());
    let all = truth(&server);
    let frame = all.iter().find(|frame| frame.elements.len() > 1 && frame.children.len() == 2).unwrap();
    for form in Form::ALL {
        // Names are not unique, so a path may lead to a namesake.
        let id = get(&server, &format!("/eventframes/{}?selectedFields=Id;Path", frame.web_id(form))).json();
        assert_eq!(id["Path"], frame.path.as_str(), "{form:?}");
        assert!(form == Form::PathOnly || id["Id"] == frame.id.as_str());
    }
    let url = format!("/eventframes/{}", frame.web_id(Form::IdOnly));
    assert!(items(&get(&server, &format!("{url}/eventframes")).json()).is_empty(), "none in the last eight hours");
    let children = items(&get(&server, &format!("{url}/eventframes?{ALL}")).json());
    assert_eq!(texts(&children, "Id").into_iter().collect::<BTreeSet<_>>(), frame.children.iter().cloned().collect());
    assert_eq!(children.len(), 2);
    let refs = items(&get(&server, &format!("{url}/referencedelements")).json());
    assert_eq!(texts(&refs, "Id"), frame.elements);
    let attributes =
        items(&get(&server, &format!("{url}/attributes?selectedFields=Items.Id;Items.Links.EventFrame")).json());
    assert_eq!(attributes.len(), 10);
    assert!(attributes[0]["Links"]["EventFrame"].as_str().unwrap().ends_with(&frame.web_id(Form::Full)));
    let element = server.truth().assets().element(&frame.elements[0]).unwrap();
    let of_element = format!("/elements/{}/eventframes?{ALL}&maxCount=5000", element.web_id(Form::IdOnly));
    let expected = ids(all.iter().filter(|frame| frame.elements.contains(&element.id)));
    assert_eq!(texts(&items(&get(&server, &of_element).json()), "Id").into_iter().collect::<BTreeSet<_>>(), expected);
    let by_path = get(&server, &format!("/eventframes?path={}&selectedFields=Path", encode(&frame.path))).json();
    assert_eq!(by_path["Path"], frame.path.as_str());
    let one = frame.web_id(Form::IdOnly);
    let several = get(&server, &format!("/eventframes/multiple?webId={one}&webId=I1FmAA"));
    assert_eq!((several.status, items(&several.json()).len()), (207, 2));
    let bulk = format!("{}/eventframeattributes?{ALL}&attributeNameFilter=Product", database(&server));
    assert_eq!(pages(&server, &bulk, 50).len(), all.iter().filter(|frame| frame.parent.is_none()).count());
}

#[test]
fn frames_arrive_and_end_as_time_goes_on_and_go_back_with_it() {
    let server = launch(plant());
    let end = parse_rfc3339(END).unwrap();
    let before = truth(&server);
    let open = ids(before.iter().filter(|frame| frame.end.is_none() && frame.parent.is_none()));
    server.truth().set_end(end + 12 * 3600 * 10_000_000);
    let after = truth(&server);
    assert!(after.len() > before.len() + 10);
    let closed = after.iter().filter(|frame| open.contains(&frame.id) && frame.end.is_some()).count();
    assert_eq!(closed, 3, "what was open has ended");
    let listed = found(&server, "searchFullHierarchy=true&startTime=2024-02-20T00:00:00Z&endTime=2024-03-05T00:00:00Z");
    assert_eq!(listed, ids(&after));
    server.truth().set_end(end);
    assert_eq!(truth(&server), before);
}

#[test]
fn the_open_end_may_have_a_fraction() {
    let knobs = Knobs { open_end_fraction: true, ..Knobs::default() };
    let server = launch(Config { knobs, ..plant() });
    let open = items(&get(&server, &list(&server, &format!("{ALL}&searchMode=InProgress"))).json());
    assert!(open.iter().all(|item| item["EndTime"] == "9999-12-31T23:59:59.9999999Z") && open.len() == 3);
    let none: Vec<Value> = items(&get(&launch(plant()), &list(&server, "")).json());
    assert!(none.iter().all(|item| item["EndTime"] == OPEN), "only what is open is active in the last eight hours");
}
