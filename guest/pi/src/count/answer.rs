//! One answered batch → the numbers of each request, or why it has none. No request, no host.

use tidegate_sdk::{
    Fault,
    buckets::{Buckets, whole},
    http::Response,
};

use crate::{
    api::{Content, Item, Stamp, Summaries, Summary, Value},
    batch::{Batch, Reply, judge},
    tag::Tag,
};

type Counted = Result<Vec<u64>, Fault>;

/// The numbers of each ask in turn.
///
/// # Errors
/// When the answer as a whole cannot be read.
pub(super) fn numbers(batch: &Batch, answer: &Response, asks: &[Buckets], tags: &[Tag]) -> Result<Vec<Counted>, Fault> {
    let replies = batch.read_each::<Content<Summaries<'_>>>(answer, asks.len(), "GET /streams/*/summary")?;
    let counted = asks.iter().zip(replies).map(|(ask, reply)| {
        let what = format!("the count of {}", tags.get(ask.span).map_or("", |tag| tag.name.as_str()));
        judged(&what, reply?).and_then(|items| figures_of(&what, ask, &items))
    });
    Ok(counted.collect())
}

/// The figures of a sound answer.
fn judged<'a>(what: &str, reply: Option<Reply<Content<Summaries<'a>>>>) -> Result<Vec<Summary<'a>>, Fault> {
    let items = judge(what, reply).map_err(|refusal| refusal.fault)?.items;
    items.ok_or_else(|| Fault::external("items-missing", format!("{what}: an answer without Items proves nothing")))
}

/// The numbers of one answer, each in its place.
fn figures_of(what: &str, ask: &Buckets, items: &[Summary<'_>]) -> Counted {
    // An error that stands at a figure of any kind, or behind the last, spoils the answer.
    if let Some(said) = items.iter().find_map(|item| item.errors.as_deref().or(item.value.as_ref()?.errors.as_deref()))
    {
        return Err(Fault::external("item-errors", format!("{what}: the server could not count: {said}")));
    }
    let is_count = |item: &&Summary<'_>| item.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Count"));
    let mut figures = items.iter().filter(is_count).filter_map(|item| item.value.as_ref());
    let mut numbers = Vec::new();
    for start in ask.starts() {
        let figure = figures.next().ok_or_else(|| {
            Fault::external("count-missing", format!("{what}: the server gave fewer intervals than it was asked for"))
        })?;
        // Of a single interval it is known which it is.
        if ask.width.is_some() && figure.timestamp != Stamp::At(start) {
            let text = format!("{what}: the server cut the time in another way than it was asked to");
            return Err(Fault::external("count-interval", text));
        }
        numbers.push(number(what, figure)?);
    }
    let beyond = figures.count();
    if beyond > usize::from(ask.width.is_some()) {
        let text = format!("{what}: the server gave more intervals than it was asked for");
        return Err(Fault::external("count-interval", text));
    }
    Ok(numbers)
}

/// The number of one interval. A server that finds no event says 0, or that there is no data to count.
fn number(what: &str, figure: &Item<'_>) -> Result<u64, Fault> {
    let none = |text: String| Err(Fault::external("count-value", format!("{what}: {text} is no number of events")));
    match &figure.value {
        Value::State(state) if state.name.as_deref() == Some("No Data") => Ok(0),
        Value::State(state) => none(format!("the state {}", state.name.as_deref().unwrap_or("without a name"))),
        Value::Errors(said) => none(format!("the error {said}")),
        value if figure.good == Some(false) => none(format!("{value:?}, which is not good,")),
        Value::Int(whole) if *whole >= 0 => Ok(whole.unsigned_abs()),
        Value::UInt(whole) => Ok(*whole),
        Value::Float(figure) if whole(*figure).is_some() => Ok(whole(*figure).unwrap_or_default()),
        other => none(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Interval;

    const DAY: i64 = 86_400_000_000_000;

    fn days() -> Buckets {
        Buckets { span: 0, interval: Interval::new(0, 2 * DAY), width: Some(DAY) }
    }

    fn read(ask: &Buckets, json: &str) -> Result<Vec<u64>, String> {
        let items: Vec<Summary<'_>> = serde_json::from_str(json).unwrap();
        figures_of("x", ask, &items).map_err(|fault| fault.code)
    }

    fn figure(day: u32, value: &str) -> String {
        format!(r#"{{"Type":"Count","Value":{{"Timestamp":"1970-01-0{day}T00:00:00Z","Value":{value}}}}}"#)
    }

    fn of(values: &[&str]) -> String {
        let figures: Vec<String> = (1..).zip(values).map(|(day, value)| figure(day, value)).collect();
        format!("[{}]", figures.join(","))
    }

    #[test]
    fn numbers_are_taken_by_their_place_and_the_one_behind_the_last_is_left() {
        assert_eq!(read(&days(), &of(&["7", "0", "3"])), Ok(vec![7, 0]));
        assert_eq!(read(&days(), &of(&["7.0", "12"])), Ok(vec![7, 12]));
        let piece = Buckets { width: None, ..days() };
        assert_eq!(read(&piece, &of(&["5"])), Ok(vec![5]));
        let others =
            format!(r#"[{{"Type":"PercentGood","Value":{{"Value":1}}}},{},{}]"#, figure(1, "1"), figure(2, "2"));
        assert_eq!(read(&days(), &others), Ok(vec![1, 2]));
    }

    #[test]
    fn nothing_that_is_not_a_number_of_events_passes_for_one() {
        let no_data = r#"{"Name":"No Data","Value":248,"IsSystem":true}"#;
        assert_eq!(read(&days(), &of(&["7", no_data])), Ok(vec![7, 0]));
        for value in [
            "-1",
            "1.5",
            "null",
            "\"7\"",
            "true",
            r#"{"Name":"Calc Failed","Value":249}"#,
            r#"{"Errors":["x"]}"#,
            "1e300",
        ] {
            assert_eq!(read(&days(), &of(&["7", value])), Err("count-value".to_owned()), "{value}");
        }
        let bad = r#"[{"Type":"Count","Value":{"Timestamp":"1970-01-01T00:00:00Z","Value":7,"Good":false}}]"#;
        assert_eq!(read(&Buckets { width: None, ..days() }, bad), Err("count-value".to_owned()));
    }

    #[test]
    fn figures_that_are_missing_moved_or_too_many_are_faults() {
        let code = |json: &str| read(&days(), json).unwrap_err();
        assert_eq!(code(&of(&["7"])), "count-missing");
        assert_eq!(code("[]"), "count-missing");
        assert_eq!(code(&of(&["1", "2", "3", "4"])), "count-interval");
        assert_eq!(code(&format!("[{},{}]", figure(1, "7"), figure(3, "7"))), "count-interval");
        let sick =
            r#"[{"Type":"Count","Errors":["archive offline"],"Value":{"Timestamp":"1970-01-01T00:00:00Z","Value":7}}]"#;
        assert_eq!(code(sick), "item-errors");
        let inside = r#"[{"Type":"Count","Value":{"Value":7,"Errors":[{"FieldName":"Value","Message":["x"]}]}}]"#;
        assert_eq!(code(inside), "item-errors");
    }
}
