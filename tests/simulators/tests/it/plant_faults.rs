//! Every fault works on the lists and objects of Asset Framework.

use serde_json::{Value, json};
use tidegate_simulators::pi::{Fault, Form, Server};

use crate::client::{database, get, items, launch, plant, texts};

fn arm(server: &Server, spec: &str) {
    server.set_faults(vec![Fault::parse(spec).unwrap()]);
}

/// A list of each kind with its label.
fn lists(server: &Server) -> Vec<(&'static str, String)> {
    let (base, truth) = (database(server), server.truth());
    let element = truth.assets().elements("Plant").into_iter().find(|e| e.has_children).unwrap().web_id(Form::IdOnly);
    let frames = truth.frames().all("Plant");
    let frame = frames.iter().find(|f| !f.elements.is_empty()).unwrap().web_id(Form::IdOnly);
    let all = "startTime=2024-02-20T00:00:00Z&endTime=2024-03-02T00:00:00Z";
    vec![
        ("assetdatabases/elements", format!("{base}/elements?searchFullHierarchy=true")),
        ("assetdatabases/elementattributes", format!("{base}/elementattributes?searchFullHierarchy=true")),
        ("assetdatabases/elementtemplates", format!("{base}/elementtemplates")),
        ("assetdatabases/eventframes", format!("{base}/eventframes?{all}")),
        ("assetdatabases/eventframeattributes", format!("{base}/eventframeattributes?{all}")),
        ("elements/elements", format!("/elements/{element}/elements")),
        ("elements/attributes", format!("/elements/{element}/attributes")),
        ("elements/eventframes", format!("/elements/{element}/eventframes?{all}")),
        ("eventframes/attributes", format!("/eventframes/{frame}/attributes")),
        ("eventframes/referencedelements", format!("/eventframes/{frame}/referencedelements")),
        ("streamsets/parent/value", format!("/streamsets/{frame}/value")),
    ]
}

#[test]
fn every_list_can_be_changed_by_faults() {
    let server = launch(plant());
    for (label, path) in lists(&server) {
        server.set_faults(Vec::new());
        server.reset_stats();
        let whole = items(&get(&server, &path).json());
        assert_eq!(server.stats().requests.get(label), Some(&1), "{label}");
        let changed = |effect: &str| {
            arm(&server, &format!("{effect},route={label}"));
            get(&server, &path)
        };
        assert_eq!(changed("status:503").status, 503, "{label}");
        assert_eq!(changed("reset").status, 0, "{label}");
        assert!(!changed("cut:0.5").complete && !changed("cut-length:0.5").complete, "{label}");
        assert!(serde_json::from_slice::<Value>(&changed("garbage").body).is_err(), "{label}");
        assert!(items(&changed("offline").json()).is_empty(), "{label}");
        assert!(changed("no-items").json()["Items"].is_null(), "{label}");
        let ended = changed("web-exception:502:1").json();
        assert_eq!((&ended["WebException"]["StatusCode"], items(&ended).len()), (&json!(502), whole.len().min(1)));
        if !whole.is_empty() {
            let marked = items(&changed("item-errors:0").json());
            assert!(marked[0]["Errors"][0]["Message"][0].is_string(), "{label}");
            assert_eq!(items(&changed("duplicate").json()).len(), whole.len() + 1, "{label}");
            assert_eq!(items(&changed("unordered").json()) == whole, whole.len() < 2, "{label}");
        }
        if label.starts_with("assetdatabases/") {
            let capped = get(&server, &format!("{path}{}maxCount=10", if path.contains('?') { '&' } else { '?' }));
            assert_eq!(capped.status, 200);
            arm(&server, &format!("cap:5,route={label}"));
            let capped = get(&server, &format!("{path}{}maxCount=10", if path.contains('?') { '&' } else { '?' }));
            assert_eq!(capped.status, 400, "{label}");
        }
    }
}

#[test]
fn a_fault_can_mean_one_object_by_name_or_web_id() {
    let server = launch(plant());
    let assets = server.truth().assets();
    let all = assets.elements("Plant");
    let [a, b] = [&all[20], &all[21]];
    let at = |element: &tidegate_simulators::pi::Element, tail: &str| {
        get(&server, &format!("/elements/{}{tail}", element.web_id(Form::IdOnly))).status
    };
    arm(&server, &format!("status:500,tag={},route=elements/*", a.web_id(Form::Full)));
    assert_eq!((at(a, ""), at(b, ""), at(a, "/attributes")), (500, 200, 500));
    server.set_faults(vec![Fault::parse("status:502").unwrap().tag("Temperature")]);
    let attribute = |name: &str| {
        let found = assets.attributes(&a.id).into_iter().find(|attribute| attribute.name == name).unwrap();
        get(&server, &format!("/attributes/{}/value", found.web_id(Form::IdOnly))).status
    };
    assert_eq!((attribute("Temperature"), attribute("Flow")), (502, 200));
    let frame = &server.truth().frames().all("Plant")[0];
    server.set_faults(vec![Fault::parse("status:504,count=1").unwrap().tag(&frame.name)]);
    assert_eq!(get(&server, &format!("/streamsets/{}/value", frame.web_id(Form::IdOnly))).status, 504);
    server.set_faults(vec![Fault::parse("web-exception,count=1").unwrap().tag("Plant")]);
    let broken = get(&server, &format!("{}/elements?selectedFields=Items.Name", database(&server))).json();
    assert!(broken["WebException"]["Errors"][0].is_string() && texts(&items(&broken), "Name").len() <= 3);
}

#[test]
fn one_object_carries_an_exception_too() {
    let server = launch(plant());
    let element = &server.truth().assets().elements("Plant")[0];
    arm(&server, "web-exception:503,route=elements/get");
    let broken = get(&server, &format!("/elements/{}?selectedFields=Name", element.web_id(Form::IdOnly)));
    assert_eq!(broken.status, 200);
    assert_eq!(broken.json()["WebException"]["StatusCode"], 503);
}
