//! Reading: what comes over the wire is the truth, whatever page, window and direction it is read in.

use serde_json::Value;
use tidegate_simulators::pi::{Config, Event, Form, Override, Server, Value as Held, format_ticks, parse_rfc3339};

use crate::client::{END, clean, config, encode, get, get_with, id, items, launch};

/// One event as it must look on the wire.
fn wire(event: &Event) -> Value {
    serde_json::json!({
        "Timestamp": event.timestamp(), "Value": serde_json::from_str::<Value>(&event.value.json()).unwrap(),
        "UnitsAbbreviation": "", "Good": event.good, "Questionable": event.questionable,
        "Substituted": event.substituted, "Annotated": event.annotated,
    })
}

fn all(server: &Server, index: usize) -> Vec<Value> {
    server.truth().events(index, 0, i64::MAX).iter().map(wire).collect()
}

fn recorded(server: &Server, index: usize, query: &str) -> Vec<Value> {
    let answer = get(server, &format!("/streams/{}/recorded?{query}", id(server, index)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    items(&answer.json())
}

#[test]
fn every_kind_of_tag_reads_as_the_truth_has_it() {
    let server = launch(Config { tags: 20, ..config() });
    for index in 0..20 {
        let read = recorded(&server, index, &format!("startTime=2024-02-01T00:00:00Z&endTime={END}&maxCount=150000"));
        assert!(read.len() > 600, "tag {index}");
        assert_eq!(read, all(&server, index), "tag {index}");
    }
}

/// The safe algorithm of the protocol reference (§2.5), over pages of `size`.
fn page_through(server: &Server, index: usize, size: usize) -> Vec<Value> {
    let (mut out, mut from, mut skip): (Vec<Value>, String, usize) = (Vec::new(), "2024-02-01T00:00:00Z".into(), 0);
    let mut size = size;
    loop {
        let page = recorded(server, index, &format!("startTime={from}&endTime={END}&maxCount={size}"));
        let fresh = page.iter().skip(page.iter().take_while(|i| i["Timestamp"] == from.as_str()).count().min(skip));
        out.extend(fresh.cloned());
        if page.len() < size {
            return out;
        }
        let last = page.last().unwrap()["Timestamp"].as_str().unwrap().to_owned();
        if last == from {
            size *= 2;
        }
        skip = out.iter().rev().take_while(|i| i["Timestamp"] == last.as_str()).count();
        from = last;
    }
}

#[test]
fn paging_by_the_safe_algorithm_finds_every_event_once() {
    let burst = Override { burst: Some(500), ..Override::default() };
    let server = launch(Config { overrides: [(1, burst)].into(), ..config() });
    for size in [7, 100, 101] {
        assert_eq!(page_through(&server, 0, size), all(&server, 0), "pages of {size}");
        assert_eq!(page_through(&server, 1, size), all(&server, 1), "pages of {size} through a burst");
    }
}

#[test]
fn both_ends_of_inside_are_inclusive_and_a_full_page_is_cut_silently() {
    let server = launch(clean());
    let truth = server.truth().events(0, 0, i64::MAX);
    let (a, b) = (truth[10].timestamp(), truth[20].timestamp());
    assert_eq!(recorded(&server, 0, &format!("startTime={a}&endTime={b}")).len(), 11);
    let page = get(&server, &format!("/streams/{}/recorded?startTime={a}&endTime={b}&maxCount=4", id(&server, 0)));
    assert_eq!(items(&page.json()).len(), 4);
    assert_eq!(page.json()["Links"], serde_json::json!({}));
    let swapped = recorded(&server, 0, &format!("startTime={b}&endTime={a}&maxCount=4"));
    let expected: Vec<Value> = truth[17..=20].iter().rev().map(wire).collect();
    assert_eq!(swapped, expected);
}

#[test]
fn outside_adds_neighbours_and_interpolated_invents_the_ends() {
    let server = launch(clean());
    let truth = server.truth().events(0, 0, i64::MAX);
    let between = |i: usize| format_ticks((truth[i].ticks + truth[i + 1].ticks) / 2);
    let window = format!("startTime={}&endTime={}", between(10), between(12));
    let outside = recorded(&server, 0, &format!("{window}&boundaryType=outside"));
    assert_eq!(outside, truth[10..=13].iter().map(wire).collect::<Vec<_>>());
    let invented = recorded(&server, 0, &format!("{window}&boundaryType=Interpolated"));
    assert_eq!(invented.len(), 4);
    assert_eq!(invented[0]["Timestamp"], between(10));
    assert_eq!(invented[3]["Timestamp"], between(12));
    let low = invented[0]["Value"].as_f64().unwrap();
    let ends = [&truth[10], &truth[11]].map(|e| wire(e)["Value"].as_f64().unwrap());
    assert!(low >= ends[0].min(ends[1]) && low <= ends[0].max(ends[1]));
}

#[test]
fn a_time_without_offset_means_the_servers_zone() {
    let server = launch(clean());
    let local = recorded(&server, 0, "startTime=2024-03-01T10:30:00&endTime=2024-03-01T12:30:00");
    let utc = recorded(&server, 0, "startTime=2024-03-01T05:00:00Z&endTime=2024-03-01T07:00:00Z");
    assert_eq!(local, utc);
    assert!(utc.len() > 100);
    let named = "startTime=2024-03-01T05:00:00&endTime=2024-03-01T07:00:00&timeZone=UTC";
    assert_eq!(recorded(&server, 0, named), utc);
}

#[test]
fn selected_fields_leave_the_rest_out() {
    let server = launch(clean());
    let query =
        "startTime=2024-03-01T06:00:00Z&endTime=2024-03-01T07:00:00Z&selectedFields=items.timestamp;Items.VALUE";
    let answer = get(&server, &format!("/streams/{}/recorded?{query}", id(&server, 0))).json();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["Items"]);
    let item = items(&answer)[0].as_object().unwrap().clone();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["Timestamp", "Value"]);
}

#[test]
fn edits_show_at_once_and_the_snapshot_moves() {
    let server = launch(Config { snapshot: true, ..clean() });
    let truth = server.truth();
    let window = "startTime=2024-03-01T06:00:00Z&endTime=2024-03-01T08:00:00Z";
    let before = recorded(&server, 0, window);
    assert_eq!(before, all(&server, 0)[all(&server, 0).len() - before.len()..]);
    let newest = truth.events(0, 0, i64::MAX).pop().unwrap();
    truth.set_end(parse_rfc3339(END).unwrap() + 600_000_000 * 5);
    let after = recorded(&server, 0, window);
    assert_eq!(newest.provisional, !after.contains(&wire(&newest)));
    let late = Event::good(newest.ticks - 12_345_678, Held::Float32(1.5));
    assert!(truth.insert(0, late.clone()));
    assert!(recorded(&server, 0, window).contains(&wire(&late)));
    assert_eq!(truth.delete(0, late.ticks), 1);
    assert!(!recorded(&server, 0, window).contains(&wire(&late)));
}

#[test]
fn future_and_empty_tags_behave() {
    let server = launch(Config { future: 1, empty: 1, ..clean() });
    let ahead = "startTime=2024-03-01T07:00:01Z&endTime=2024-03-05T00:00:00Z&maxCount=10000";
    assert!(recorded(&server, 9, ahead).len() > 2800);
    assert!(recorded(&server, 8, "startTime=2020-01-01T00:00:00Z").is_empty());
    assert!(recorded(&server, 0, ahead).is_empty());
    let end = get(&server, &format!("/streams/{}/end", id(&server, 9))).json();
    assert!(end["Timestamp"].as_str().unwrap() > "2024-03-03");
    let value = get(&server, &format!("/streams/{}/value", id(&server, 8))).json();
    assert_eq!(value["Value"]["Name"], "No Data");
}

#[test]
fn every_hostile_name_is_found_by_its_path_and_every_form_of_web_id() {
    let server = launch(Config { tags: 48, hostile_names: true, ..clean() });
    for point in server.truth().points() {
        let answer = get(&server, &format!("/points?path={}", encode(&point.path)));
        assert_eq!(answer.status, 200, "{}: {}", point.path, answer.text());
        assert_eq!(answer.json()["Name"], point.name);
        for form in [Form::Full, Form::IdOnly, Form::PathOnly, Form::LocalIdOnly, Form::DefaultIdOnly] {
            let answer = get(&server, &format!("/points/{}?selectedFields=Id", point.web_id(form)));
            assert_eq!(answer.json(), serde_json::json!({"Id": point.id}), "{form:?} of {}", point.name);
        }
    }
}

#[test]
fn lists_page_with_links_and_filters() {
    let server = launch(Config { tags: 25, ..clean() });
    let servers = items(&get(&server, "/dataservers").json());
    let list = format!("/dataservers/{}/points", servers[0]["WebId"].as_str().unwrap());
    let one = get(&server, &format!("{list}?maxCount=10&startIndex=10&nameFilter=*")).json();
    assert_eq!(items(&one).len(), 10);
    for link in ["First", "Previous", "Next", "Last"] {
        assert!(one["Links"][link].as_str().unwrap().starts_with("http://pi/piwebapi/dataservers/"), "{link}");
    }
    let next = one["Links"]["Next"].as_str().unwrap().strip_prefix("http://pi/piwebapi").unwrap();
    let last = get(&server, next).json();
    assert_eq!(items(&last).len(), 5);
    assert_eq!(last["Links"]["Next"], Value::Null);
    let found = items(&get(&server, &format!("{list}?nameFilter=*temperature*&selectedFields=Items.Name")).json());
    assert!(!found.is_empty() && found.iter().all(|p| p["Name"].as_str().unwrap().contains("Temperature")));
    let search = get(&server, "/points/search?query=Tag:%3D*Flow*%20PointType:%3DString&maxCount=1000");
    assert_eq!(search.status, 200);
    assert!(items(&search.json()).iter().all(|p| p["PointType"] == "String"));
}

#[test]
fn counts_add_up() {
    let server = launch(config());
    let total = server.truth().count(0, 0, i64::MAX);
    let window = "startTime=2024-02-29T00:00:00Z&endTime=2024-03-02T00:00:00Z&calculationBasis=EventWeighted";
    let query = format!("/streams/{}/summary?summaryType=Count&{window}", id(&server, 0));
    assert_eq!(items(&get(&server, &query).json())[0]["Value"]["Value"], total);
    let days = items(&get(&server, &format!("{query}&summaryDuration=1d")).json());
    assert_eq!(days.iter().map(|d| d["Value"]["Value"].as_u64().unwrap()).sum::<u64>(), total as u64);
}

#[test]
fn an_event_on_a_boundary_is_counted_as_the_basis_says() {
    let server = launch(clean());
    let [first, middle, last] =
        ["2024-03-01T00:00:00Z", "2024-03-01T06:00:00Z", "2024-03-01T12:00:00Z"].map(|at| parse_rfc3339(at).unwrap());
    let within = |from: i64, to: i64| server.truth().count(0, (from + 1) * 100, to * 100) as u64;
    for at in [first, middle, last] {
        server.truth().delete(0, at);
        server.truth().insert(0, Event::good(at, tidegate_simulators::pi::Value::Int(7)));
    }
    let counts = |basis: &str, more: &str| -> Vec<u64> {
        let window = "startTime=2024-03-01T00:00:00Z&endTime=2024-03-01T12:00:00Z&summaryType=Count";
        let query = format!("/streams/{}/summary?{window}&calculationBasis={basis}{more}", id(&server, 0));
        items(&get(&server, &query).json()).iter().map(|item| item["Value"]["Value"].as_u64().unwrap()).collect()
    };
    let (a, b) = (within(first, middle), within(middle, last));
    let halves = "&summaryDuration=21600s";
    let table = [
        ("EventWeighted", vec![a + b + 3], vec![a + 1, b + 1]),
        ("EventWeightedExcludeMostRecentEvent", vec![a + b + 2], vec![a + 1, b + 1]),
        ("EventWeightedExcludeEarliestEvent", vec![a + b + 2], vec![a + 1, b + 1]),
        ("EventWeightedIncludeBothEnds", vec![a + b + 3], vec![a + 2, b + 2]),
    ];
    for (basis, alone, several) in table {
        assert_eq!((counts(basis, ""), counts(basis, halves)), (alone, several), "{basis}");
    }
    let stamps = |more: &str| -> Vec<String> {
        let window = "startTime=2024-03-01T00:00:00Z&endTime=2024-03-01T12:00:00Z&summaryType=Count";
        let query = format!("/streams/{}/summary?{window}{halves}{more}", id(&server, 0));
        let stamp = |item: &Value| item["Value"]["Timestamp"].as_str().unwrap().to_owned();
        items(&get(&server, &query).json()).iter().map(stamp).collect()
    };
    assert_eq!(stamps(""), ["2024-03-01T00:00:00Z", "2024-03-01T06:00:00Z"]);
    assert_eq!(stamps("&timeType=MostRecentTime"), ["2024-03-01T06:00:00Z", "2024-03-01T12:00:00Z"]);
}

#[test]
fn gzip_is_used_only_when_asked_for() {
    let server = launch(Config { gzip: true, ..clean() });
    let path = format!("/streams/{}/recorded?startTime=2024-03-01T00:00:00Z&endTime={END}", id(&server, 0));
    let plain = get(&server, &path);
    assert_eq!(plain.header("content-encoding"), None);
    let packed = get_with(&server, &path, "Accept-Encoding: br, gzip\r\n");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.body.as_slice()), &mut text).unwrap();
    assert_eq!(text, plain.body);
}

#[test]
fn a_tag_added_later_appears_in_lists_with_its_history() {
    let server = launch(clean());
    let born = parse_rfc3339("2024-03-01T06:00:00Z").unwrap();
    let index =
        server.truth().add_tag(Override { name: Some("NEW+1".into()), born: Some(born), ..Override::default() });
    let found = get(&server, "/points?path=%5C%5Csimpi%5Cnew%2B1").json();
    assert_eq!(found["Name"], "NEW+1");
    let read = recorded(&server, index, "startTime=2024-02-01T00:00:00Z&endTime=2024-03-02T00:00:00Z");
    assert_eq!(read, all(&server, index));
    assert!((58..=61).contains(&read.len()), "{}", read.len());
}

#[test]
fn a_ten_hertz_tag_has_ten_events_a_second() {
    let fast = Override { interval_seconds: Some(0.1), ..Override::default() };
    let server = launch(Config { overrides: [(3, fast)].into(), ..clean() });
    let window = "startTime=2024-03-01T06:00:00Z&endTime=2024-03-01T06:59:59.9999999Z&maxCount=150000";
    let read = recorded(&server, 3, window);
    assert!((35_999..=36_001).contains(&read.len()), "{}", read.len());
}
