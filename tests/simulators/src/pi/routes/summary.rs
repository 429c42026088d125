//! `/streams/{webId}/summary`: counts above all, for planning and reconciliation.
//!
//! A time-weighted count is a number of seconds, as in AF; event-weighted it is the number of events. Which of the events on
//! a boundary are part of an interval is as AVEVA states it under calculation basis: a single interval includes both ends;
//! of several in ascending order each includes its start and not its end; further bases say which end they want.

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::clock::SECOND;
use crate::pi::event::{Event, Value};
use crate::pi::json::Obj;
use crate::pi::render::Rows;
use crate::pi::tag::Tag;
use crate::pi::time::duration;

/// Most summaries in one answer.
const LIMIT: i64 = 100_000;

const KINDS: [&str; 9] =
    ["Total", "Average", "Minimum", "Maximum", "Range", "StdDev", "PopulationStdDev", "Count", "PercentGood"];

/// The summary types asked for.
fn kinds(call: &Call<'_>) -> Result<Vec<&'static str>, Refusal> {
    let asked = call.query.all("summarytype");
    let mut kinds = Vec::new();
    for name in asked {
        if name.eq_ignore_ascii_case("All") {
            kinds.extend(KINDS);
        } else if name.eq_ignore_ascii_case("AllForNonNumeric") {
            kinds.extend(["Count", "PercentGood"]);
        } else {
            let known = KINDS.iter().find(|known| known.eq_ignore_ascii_case(name));
            kinds.push(*known.ok_or_else(|| Refusal::binding("summaryType", name))?);
        }
    }
    Ok(if kinds.is_empty() { vec!["Total"] } else { kinds })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float32(number) => Some(f64::from(*number)),
        Value::Float64(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        _ => None,
    }
}

/// How events are weighted, and which ends an event-weighted interval includes.
#[derive(Clone, Copy, Debug)]
struct Basis {
    by_event: bool,
    /// Start and end, of one interval alone and of one among several.
    alone: (bool, bool),
    among: (bool, bool),
}

impl Basis {
    fn read(call: &Call<'_>) -> Result<Basis, Refusal> {
        let by_event = |alone, among| Basis { by_event: true, alone, among };
        let (start, end, both) = ((true, false), (false, true), (true, true));
        match call.query.one("calculationbasis").map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "timeweighted" | "timeweightedcontinuous" | "timeweighteddiscrete") => {
                Ok(Basis { by_event: false, alone: start, among: start })
            }
            Some("eventweighted") => Ok(by_event(both, start)),
            Some("eventweightedexcludemostrecentevent") => Ok(by_event(start, start)),
            Some("eventweightedexcludeearliestevent") => Ok(by_event(end, end)),
            Some("eventweightedincludebothends") => Ok(by_event(both, both)),
            Some(other) => Err(Refusal::binding("calculationBasis", other)),
        }
    }

    /// First and last tick inside an interval.
    fn ends(self, lo: i64, hi: i64, single: bool) -> (i64, i64) {
        let (start, end) = if single { self.alone } else { self.among };
        (lo + i64::from(!start), hi - i64::from(!end))
    }
}

/// One range's figures.
struct Figures {
    count: usize,
    good: usize,
    numbers: Vec<f64>,
    seconds: f64,
}

impl Figures {
    /// Of the events from the first to the last tick in an interval of this length.
    fn of(call: &Call<'_>, tag: &Tag, (first, last): (i64, i64), length: i64, count_only: bool) -> Figures {
        let view = call.app.truth.view(tag);
        let seconds = length as f64 / SECOND as f64;
        let bad = call.app.config.knobs.count_bad;
        if count_only {
            let count = view.count(first, last, bad);
            return Figures { count, good: count, numbers: Vec::new(), seconds };
        }
        let events: Vec<Event> =
            view.collect(first, last, false, usize::MAX).iter().map(|item| item.event(tag)).collect();
        let good = events.iter().filter(|event| event.good).count();
        let numbers = events.iter().filter(|event| event.good).filter_map(|event| number(&event.value)).collect();
        Figures { count: if bad { events.len() } else { good }, good, numbers, seconds }
    }

    /// The figure; `None` where there is nothing to compute it from.
    fn get(&self, kind: &str, event_weighted: bool) -> Option<Value> {
        let n = self.numbers.len() as f64;
        let sum: f64 = self.numbers.iter().sum();
        let low = self.numbers.iter().copied().reduce(f64::min);
        let high = self.numbers.iter().copied().reduce(f64::max);
        let squares = || self.numbers.iter().map(|x| (x - sum / n).powi(2)).sum::<f64>();
        match kind {
            "Count" if event_weighted => Some(Value::Int(self.count as i64)),
            "Count" => Some(Value::Float64(self.seconds)),
            "PercentGood" => Some(Value::Float64(100.0 * self.good as f64 / self.count.max(1) as f64)),
            _ if self.numbers.is_empty() => None,
            "Total" if event_weighted => Some(Value::Float64(sum)),
            "Total" => Some(Value::Float64(sum / n * self.seconds / 86_400.0)),
            "Average" => Some(Value::Float64(sum / n)),
            "Minimum" => low.map(Value::Float64),
            "Maximum" => high.map(Value::Float64),
            "Range" => low.zip(high).map(|(low, high)| Value::Float64(high - low)),
            "StdDev" if self.numbers.len() > 1 => Some(Value::Float64((squares() / (n - 1.0)).sqrt())),
            "PopulationStdDev" => Some(Value::Float64((squares() / n).sqrt())),
            _ => None,
        }
    }
}

/// `GET /streams/{webId}/summary`.
pub(super) fn summary(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let known = [
        "starttime",
        "endtime",
        "timezone",
        "summarytype",
        "calculationbasis",
        "timetype",
        "summaryduration",
        "sampletype",
        "sampleinterval",
        "filterexpression",
        "selectedfields",
    ];
    call.query.only(call.app, &known)?;
    let tag = super::streams::stream(call, super::id(call))?;
    let (app, query) = (call.app, &call.query);
    let (start, end) =
        (query.time(app, "starttime", "startTime", "*-1d")?, query.time(app, "endtime", "endTime", "*")?);
    let kinds = kinds(call)?;
    let basis = Basis::read(call)?;
    let at_end = match query.one("timetype").map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "auto" | "earliesttime") => false,
        Some("mostrecenttime") => true,
        Some(other) => return Err(Refusal::binding("timeType", other)),
    };
    if query.one("filterexpression").is_some_and(|filter| !filter.is_empty()) {
        return Err(Refusal::errors(409, "Parameter 'filterExpression' is not supported by this server."));
    }
    let (lo, hi) = (start.min(end), start.max(end));
    let bad = |text: &str| Refusal::bad(format!("Parameter 'summaryDuration': '{text}' is not a valid duration."));
    let step = match query.one("summaryduration").filter(|text| !text.is_empty()) {
        None => (hi - lo).max(1),
        Some(text) => duration(text).ok_or_else(|| bad(text))?,
    };
    if (hi - lo) / step > LIMIT {
        return Err(Refusal::bad("The number of summaries is greater than the maximum allowed.".to_owned()));
    }
    let empty_is_no_data = app.config.knobs.count_no_data;
    let count_only = kinds.iter().all(|kind| *kind == "Count");
    let mut found = Vec::new();
    let mut from = lo;
    while from < hi || found.is_empty() {
        let to = (from + step).min(hi);
        let inside = basis.ends(from, to, lo + step >= hi);
        let figures = Figures::of(call, &tag, inside, to - from, count_only);
        let figure = |kind: &str| match figures.get(kind, basis.by_event) {
            Some(_) if kind == "Count" && basis.by_event && figures.count == 0 && empty_is_no_data => None,
            figure => figure,
        };
        found.extend(kinds.iter().map(|kind| (*kind, if at_end { to } else { from }, figure(kind))));
        from = to.max(from + 1);
    }
    Ok(super::collection(call, out, found, |out, selection, (kind, at, value)| {
        let mut object = Obj::open(out, selection);
        object.text("Type", kind);
        if let Some((out, below)) = object.key("Value") {
            let good = value.is_some();
            let value = value.clone().unwrap_or(Value::System { name: "No Data".into(), code: 248 });
            Rows::new(below, false, false).event(out, &Event { good, ..Event::good(*at, value) });
        }
        object.close();
    }))
}
