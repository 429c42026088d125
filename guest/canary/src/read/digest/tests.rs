//! Answers as a server writes them, read to rows, proofs, gaps and rejects.

use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Float64Type, Int32Type, TimestampMicrosecondType};
use tidegate_sdk::{plan::Performance, time::parse_instant};

use super::*;

/// Names that JSON, shells and URLs trip over.
const HOSTILE: [&str; 4] = ["V.{D}.a (1)/#%-", "V.Öl \"q\"", "V.tab\there", "V.a.b\\c"];

struct Reading {
    pages: Pages,
    tags: Vec<Tag>,
    ask: Ask,
}

fn reading(paths: &[&str]) -> Reading {
    let start = parse_instant("2024-03-01T07:00:00Z").unwrap();
    let hour = Interval::new(start, start + 3_600_000_000_000);
    let mut pages = Pages::new(&vec![hour; paths.len()], Performance::default());
    let tag = |path: &&str| Tag { id: format!("id of {path}"), path: (*path).to_owned(), units: Some("°C".into()) };
    let ask = pages.next().unwrap();
    Reading { pages, tags: paths.iter().map(tag).collect(), ask }
}

impl Reading {
    fn read(&mut self, body: &str) -> Result<Batch, Fault> {
        let answer = Response::new("POST /getTagData2", 200, body.as_bytes().to_vec());
        digest(&answer, &self.ask, &self.tags, &mut self.pages)
    }
}

fn good(data: &str) -> String {
    format!(r#"{{"statusCode":"Good","errors":[],"data":{data},"continuation":null}}"#)
}

/// Microseconds after the start, value, text, type, quality and sequence of each row.
type Shown = (i64, Option<f64>, Option<String>, String, Option<bool>, i32);

fn shown(batch: Batch) -> Vec<Shown> {
    let start = micros(parse_instant("2024-03-01T07:00:00Z").unwrap());
    let rows = batch.rows.finish().unwrap();
    let times = rows.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    let values = rows.column_by_name("value").unwrap().as_primitive::<Float64Type>();
    let texts = rows.column_by_name("value_text").unwrap().as_string::<i32>();
    let types = rows.column_by_name("value_type").unwrap().as_dictionary::<Int32Type>();
    let types = types.downcast_dict::<StringArray>().unwrap();
    let good = rows.column_by_name("quality_good").unwrap().as_boolean();
    let sequences = rows.column_by_name("sequence").unwrap().as_primitive::<Int32Type>();
    let row = |at: usize| {
        (
            times.value(at) - start,
            values.is_valid(at).then(|| values.value(at)),
            texts.is_valid(at).then(|| texts.value(at).to_owned()),
            types.into_iter().nth(at).unwrap().unwrap().to_owned(),
            good.is_valid(at).then(|| good.value(at)),
            sequences.value(at),
        )
    };
    (0..rows.num_rows()).map(row).collect()
}

#[test]
fn both_shapes_become_the_same_rows_and_the_marker_stands_behind_its_sample() {
    let objects = r#"{"V.a":[{"t":"2024-03-01T02:00:01.0000000-05:00","v":71.08000183105469,"q":192},
        {"t":"2024-03-01T02:00:01.0000001-05:00","v":null,"q":32768},{"t":"2024-03-01T02:00:02.0000000-05:00","v":"on"}]}"#;
    let arrays = r#"{"V.a":[["2024-03-01T07:00:01.0000000Z",71.08000183105469,192],
        ["2024-03-01T07:00:01.0000001Z",null,32768],["2024-03-01T07:00:02Z","on"]]}"#;
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        (1_000_000, Some(71.080_001_831_054_69), None, "float".to_owned(), Some(true), 0),
        (1_000_000, None, text("No Data"), "system".to_owned(), Some(false), 1),
        (2_000_000, None, text("on"), "string".to_owned(), None, 0),
    ];
    for data in [objects, arrays] {
        let batch = reading(&["V.a"]).read(&good(data)).unwrap();
        assert_eq!(batch.covers.len(), 1);
        assert_eq!(shown(batch), expected);
    }
}

#[test]
fn names_that_need_escapes_are_found_and_told_apart() {
    let data: serde_json::Map<String, serde_json::Value> = HOSTILE
        .iter()
        .enumerate()
        .map(|(at, path)| ((*path).to_owned(), serde_json::json!([["2024-03-01T07:00:01Z", at, 192]])))
        .collect();
    let batch = reading(&HOSTILE).read(&good(&serde_json::Value::from(data).to_string())).unwrap();
    assert_eq!(batch.covers.iter().map(|cover| &cover.series[6..]).collect::<Vec<_>>(), HOSTILE);
    assert_eq!(shown(batch).iter().map(|row| row.1.unwrap()).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn a_path_in_another_case_is_taken_and_one_that_nobody_asked_for_spoils_the_answer() {
    let batch = reading(&["V.Plant Ä.x"]).read(&good(r#"{"v.plant ä.X":[]}"#)).unwrap();
    assert_eq!(batch.covers.len(), 1);
    for data in [r#"{"V.Plant Ä.x":[],"V.other":[]}"#, r#"{"V.Plant Ä.x":[],"V.plant Ä.x":[]}"#] {
        let fault = reading(&["V.Plant Ä.x"]).read(&good(data)).unwrap_err();
        assert_eq!(fault.code, "malformed-answer", "{data}");
    }
}

#[test]
fn what_has_no_place_in_the_table_is_rejected_with_its_text() {
    let data = r#"{"V.a":[["2024-03-01T07:00:01Z",[1.50,"x"],192],["2024-03-01T07:00:02",7,192],[null,8],
        ["2024-03-01T07:00:03Z",9,192]]}"#;
    let batch = reading(&["V.a"]).read(&good(data)).unwrap();
    let raw: Vec<&str> = batch.rejects.iter().map(|reject| reject.raw.as_str()).collect();
    let expected = [
        r#"{"t":"2024-03-01T07:00:01Z","v":[1.50,"x"],"q":192}"#,
        r#"{"t":"2024-03-01T07:00:02","v":7,"q":192}"#,
        r#"{"t":null,"v":8,"q":null}"#,
    ];
    assert_eq!(raw, expected);
    assert_eq!(shown(batch).iter().map(|row| row.1).collect::<Vec<_>>(), [Some(9.0)]);
}

#[test]
fn a_tag_that_does_not_exist_is_a_gap_of_its_own() {
    let data = r#"{"V.a":[["0001-01-01T00:00:00.0000000",null,32768]],"V.b":[]}"#;
    let batch = reading(&["V.a", "V.b"]).read(&good(data)).unwrap();
    let (tag, interval, fault) = &batch.gaps[0];
    assert_eq!((*tag, interval.nanos(), fault.code.as_str()), (0, 3_600_000_000_000, "tag-not-found"));
    assert!(fault.message.contains("V.a"), "{}", fault.message);
    assert_eq!(batch.covers.iter().map(|cover| cover.series.as_str()).collect::<Vec<_>>(), ["id of V.b"]);
}

#[test]
fn nothing_of_an_answer_that_is_not_whole_counts() {
    let whole = good(r#"{"V.a":[["2024-03-01T07:00:01Z",7,192]]}"#);
    for end in 1..whole.len() {
        let fault = reading(&["V.a"]).read(&whole[..end]).unwrap_err();
        assert_eq!(fault.code, "truncated-body", "{}", &whole[..end]);
    }
    let table = [
        (r#"{"statusCode":"Errors","errors":["no"],"data":{"V.a":[]},"continuation":null}"#, "canary-errors"),
        (r#"{"statusCode":"Good","errors":[],"continuation":null}"#, "payload-missing"),
        (r#"{"statusCode":"Good","errors":[],"data":[],"continuation":null}"#, "malformed-answer"),
        ("<html></html>", "malformed-answer"),
    ];
    for (body, code) in table {
        let fault = reading(&["V.a", "V.b"]).read(body).unwrap_err();
        assert_eq!(fault.code, code, "{body}");
        assert!(code == "malformed-answer" || fault.message.contains("V.a"), "{}", fault.message);
    }
}
