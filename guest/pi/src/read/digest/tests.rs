//! Whole answers, as servers write them, taken in end to end without a server.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type};

use super::*;
use crate::{batch::Dialect, convert::PointKind, server::Server, tag::Detail};

const SECOND: i64 = 1_000_000_000;

/// 2024-03-01T07:00:00Z
const START: i64 = 1_709_276_400 * SECOND;

fn batch(dialect: Dialect) -> Batch {
    Batch::new(
        &Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h/piwebapi"}}"#).unwrap()),
        Some(dialect),
    )
}

struct Case {
    tags: Vec<Tag>,
    pages: Pages,
    asks: Vec<Ask>,
}

fn case(count: usize) -> Case {
    let tag = |index| Tag {
        id: format!("T{index}"),
        name: format!("tag {index}"),
        detail: Detail { kind: PointKind::Float, units: "bar".into(), ..Detail::default() },
    };
    let mut pages = Pages::new(&vec![Interval::new(START, START + 3_600 * SECOND); count], 100, 100, None);
    let asks = pages.round();
    Case { tags: (0..count).map(tag).collect(), pages, asks }
}

impl Case {
    fn digest(&mut self, dialect: Dialect, text: &str) -> Result<Round, Fault> {
        let answer = Response::new("POST /batch", 207, text.as_bytes().to_vec());
        digest(&batch(dialect), &answer, &self.asks, &self.tags, &mut self.pages)
    }
}

fn item(second: u32, value: &str) -> String {
    format!(
        r#"{{"Timestamp":"2024-03-01T07:00:{second:02}Z","Value":{value},"UnitsAbbreviation":"","Good":true,"Questionable":false,"Substituted":false,"Annotated":false}}"#
    )
}

fn sound(items: &[String]) -> String {
    format!(
        r#"{{"Status":200,"Headers":{{"Content-Type":"x"}},"Content":{{"Links":{{}},"Items":[{}],"UnitsAbbreviation":""}}}}"#,
        items.join(",")
    )
}

fn rows(round: Round) -> RecordBatch {
    round.rows.finish().unwrap()
}

fn codes(round: &Round) -> Vec<(usize, &str)> {
    round.gaps.iter().map(|(tag, _, fault)| (*tag, fault.code.as_str())).collect()
}

#[test]
fn both_dialects_bring_the_same_rows() {
    let (first, second) = (sound(&[item(1, "1.5"), item(1, "2.5")]), sound(&[item(2, "3")]));
    let dictionary = format!(r#"{{"1":{second},"0":{first}}}"#);
    let list = format!(r#"{{"Responses":[{first},{second}]}}"#);
    for (dialect, text) in [(Dialect::Dictionary, dictionary), (Dialect::List, list)] {
        let round = case(2).digest(dialect, &text).unwrap();
        assert_eq!(round.covers.len(), 2);
        assert!(round.gaps.is_empty());
        let rows = rows(round);
        assert_eq!(rows.column_by_name("value").unwrap().as_primitive::<Float64Type>().values(), &[1.5, 2.5, 3.0]);
        assert_eq!(rows.column_by_name("sequence").unwrap().as_primitive::<Int32Type>().values(), &[0, 1, 0]);
    }
}

#[test]
fn a_failed_answer_is_a_gap_of_its_tag_and_the_others_go_on() {
    let bad = [
        (r#"{"Status":503,"Content":"<html>"}"#, "http-503"),
        (r#"{"Status":404,"Content":{"Errors":["gone"]}}"#, "http-404"),
        (r#"{"Status":403,"Content":{"Message":"no"}}"#, "http-403"),
        (r#"{"Status":200,"Content":{"Items":[],"WebException":{"StatusCode":500}}}"#, "web-exception"),
        (r#"{"Status":200,"Content":{"Errors":["x"],"Items":[]}}"#, "answer-errors"),
        (r#"{"Status":200,"Content":{"Links":{}}}"#, "items-missing"),
        (r#"{"Status":200,"Content":{"Items":null}}"#, "items-missing"),
        (r#"{"Status":200,"Content":null}"#, "empty-content"),
        (r#"{"Status":200,"Content":{"Items":7}}"#, "malformed-answer"),
        (r#"{"Status":200,"Content":{"Items":[7]}}"#, "malformed-answer"),
    ];
    for (reply, code) in bad {
        let mut case = case(2);
        let round =
            case.digest(Dialect::Dictionary, &format!(r#"{{"0":{reply},"1":{}}}"#, sound(&[item(1, "1")]))).unwrap();
        assert_eq!(codes(&round), [(0, code)], "{reply}");
        assert_eq!(round.gaps[0].1, Interval::new(START, START + 3_600 * SECOND));
        assert_eq!(round.covers, [Cover::new("T1", Interval::new(START, START + 3_600 * SECOND))]);
        assert_eq!(rows(round).num_rows(), 1);
        assert!(case.pages.round().is_empty(), "a tag given up is not asked for again");
    }
}

#[test]
fn an_answer_left_out_is_a_gap() {
    let round = case(2).digest(Dialect::Dictionary, &format!(r#"{{"1":{}}}"#, sound(&[]))).unwrap();
    assert_eq!(codes(&round), [(0, "batch-missing")]);
    assert_eq!(round.covers.len(), 1, "no event is an answer");
}

#[test]
fn a_cut_or_foreign_answer_counts_for_nothing() {
    let whole = format!(r#"{{"0":{},"1":{}}}"#, sound(&[item(1, "1")]), sound(&[item(1, "1")]));
    for cut in [whole.len() - 1, whole.len() / 2, 20] {
        let fault = case(2).digest(Dialect::Dictionary, &whole[..cut]).unwrap_err();
        assert_eq!(fault.code, "truncated-body");
    }
    assert_eq!(case(2).digest(Dialect::Dictionary, r#"{"Message":"hello"}"#).unwrap_err().code, "batch-dialect");
}

#[test]
fn a_limit_below_ours_makes_pages_smaller_and_is_no_gap() {
    let mut case = case(1);
    let reply = r#"{"0":{"Status":400,"Content":{"Errors":["Parameter 'maxCount' is greater than the maximum allowed (50)"]}}}"#;
    let round = case.digest(Dialect::Dictionary, reply).unwrap();
    assert!(round.gaps.is_empty() && round.note.is_some());
    assert_eq!(case.pages.round()[0].count, 50);
}

#[test]
fn an_item_with_errors_ends_the_proof_and_a_value_of_errors_is_data() {
    let sick =
        r#"{"Timestamp":"2024-03-01T07:00:05Z","Value":null,"Errors":[{"FieldName":"Value","Message":["offline"]}]}"#;
    let data = item(2, r#"{"Errors":["PI Error"]}"#);
    let reply = sound(&[item(1, "1"), data, sick.to_owned(), item(9, "2")]);
    let round = case(1).digest(Dialect::Dictionary, &format!(r#"{{"0":{reply}}}"#)).unwrap();
    assert_eq!(codes(&round), [(0, "item-errors")]);
    assert_eq!(round.covers, [Cover::new("T0", Interval::new(START, START + 5 * SECOND))]);
    assert_eq!(round.gaps[0].1, Interval::new(START + 5 * SECOND, START + 3_600 * SECOND));
    assert_eq!(rows(round).num_rows(), 2);
}

#[test]
fn an_event_without_a_place_is_rejected_with_its_raw_text_and_loses_no_other() {
    let odd = item(2, r#"{"Lat": 1,"Lon":[2]}"#);
    let undated = r#"{"Timestamp":"2024-03-01T07:00:03","Value":7}"#;
    let reply = sound(&[item(1, "1"), odd.clone(), undated.to_owned(), item(4, "2")]);
    let round = case(1).digest(Dialect::Dictionary, &format!(r#"{{"0":{reply}}}"#)).unwrap();
    assert_eq!(round.rejects.iter().map(|reject| reject.raw.as_str()).collect::<Vec<_>>(), [odd.as_str(), undated]);
    assert_eq!(round.covers.len(), 1);
    assert_eq!(rows(round).num_rows(), 2);
}

#[test]
fn a_full_page_keeps_the_last_microsecond_for_the_next() {
    let mut case = case(1);
    let items: Vec<String> = (0..100).map(|at| item(if at < 97 { at / 2 } else { 59 }, "1")).collect();
    let round = case.digest(Dialect::Dictionary, &format!(r#"{{"0":{}}}"#, sound(&items))).unwrap();
    assert_eq!(round.covers, [Cover::new("T0", Interval::new(START, START + 59 * SECOND))]);
    assert_eq!(rows(round).num_rows(), 97);
    assert_eq!(case.pages.round()[0].interval.start, START + 59 * SECOND);
}

#[test]
fn an_answer_that_contradicts_itself_proves_nothing() {
    let [one, none] = [item(1, "1"), String::new()].map(|items| format!(r#""Items":[{items}]"#));
    let content = format!(r#"{{"Status":200,"Content":{{{one},{none}}}}}"#);
    let round = case(2).digest(Dialect::Dictionary, &format!(r#"{{"0":{content},"1":{}}}"#, sound(&[]))).unwrap();
    assert_eq!(codes(&round), [(0, "malformed-answer")]);
    assert_eq!(round.covers.len(), 1, "the other tag has been read");
}
