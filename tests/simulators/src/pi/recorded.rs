//! `recorded`: which events a request selects, and the list they are written as.
//!
//! The semantics that lose data in careless clients are here on purpose: both ends of `Inside` are inclusive, a full
//! page is cut without a word, swapped times turn the order around, and times without offset are local.

use std::sync::Arc;

use super::answer::Refusal;
use super::app::Call;
use super::archive::{Item, View};
use super::event::{Event, Value};
use super::json::{self, Obj};
use super::render::{self, Rows};
use super::tag::Tag;

/// What lies beyond the ends of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boundary {
    Inside,
    Outside,
    Interpolated,
}

/// The parameters of a `recorded` request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    lo: i64,
    hi: i64,
    descending: bool,
    boundary: Boundary,
    /// Events per stream.
    pub(crate) max: usize,
    annotations: bool,
}

impl Ask {
    /// Reads the parameters; a stream set knows no `desiredUnits` and no `associations`.
    pub(crate) fn read(call: &Call<'_>, set: bool) -> Result<Ask, Refusal> {
        let (app, query) = (call.app, &call.query);
        if !set && query.one("desiredunits").is_some_and(|units| !units.is_empty()) {
            return Err(Refusal::errors(409, "Parameter 'desiredUnits' is not supported for a PI Point."));
        }
        if query.one("filterexpression").is_some_and(|filter| !filter.is_empty()) {
            return Err(Refusal::errors(409, "Parameter 'filterExpression' is not supported by this server."));
        }
        query.flag("includefilteredvalues", "includeFilteredValues", false)?;
        let boundary = match query.one("boundarytype").map(str::to_ascii_lowercase).as_deref() {
            None | Some("" | "inside") => Boundary::Inside,
            Some("outside") => Boundary::Outside,
            Some("interpolated") => Boundary::Interpolated,
            Some(other) => return Err(Refusal::binding("boundaryType", other)),
        };
        let start = query.time(app, "starttime", "startTime", "*-1d")?;
        let end = query.time(app, "endtime", "endTime", "*")?;
        let cap = call.shape.cap.unwrap_or(app.config.max_items);
        let annotations = match query.one("associations").map(str::to_ascii_lowercase).as_deref() {
            None | Some("") => false,
            Some("annotations") if !set => true,
            Some(other) => return Err(Refusal::binding("associations", other)),
        };
        Ok(Ask {
            lo: start.min(end),
            hi: start.max(end),
            descending: end < start,
            boundary,
            max: query.max_count(1000, cap)?,
            annotations,
        })
    }

    /// Where no window was asked for, that of an event frame takes its place.
    pub(crate) fn within(mut self, call: &Call<'_>, start: i64, end: i64) -> Ask {
        if call.query.one("starttime").is_none() && call.query.one("endtime").is_none() {
            (self.lo, self.hi, self.descending) = (start.min(end), start.max(end), end < start);
        }
        self
    }

    /// The events, at most `max`, in the direction of time asked for.
    pub(crate) fn select(&self, view: &View<'_>) -> Vec<Item> {
        let Ask { lo, hi, descending, max, .. } = *self;
        let mut items = Vec::new();
        let (near, far) = if descending { (hi, lo) } else { (lo, hi) };
        items.extend(self.edge(view, near, descending));
        items.extend(view.collect(lo, hi, descending, max.saturating_sub(items.len())));
        if items.len() < max {
            items.extend(self.edge(view, far, !descending));
        }
        items.truncate(max);
        items
    }

    /// What the boundary type adds at one end; `low_is_beyond` is false at the low end.
    fn edge(&self, view: &View<'_>, at: i64, high: bool) -> Option<Item> {
        match self.boundary {
            Boundary::Inside => None,
            Boundary::Outside if high => view.oldest(at + 1),
            Boundary::Outside => view.newest(at - 1),
            Boundary::Interpolated => interpolate(view, at).map(|event| Item::Kept(Arc::new(event))),
        }
    }
}

/// The synthetic value at `at`; `None` when an event is stored there.
fn interpolate(view: &View<'_>, at: i64) -> Option<Event> {
    let before = view.newest(at).map(|item| item.event(view.tag));
    let after = view.oldest(at).map(|item| item.event(view.tag));
    if before.as_ref().is_some_and(|event| event.ticks == at) {
        return None;
    }
    let no_data = || Event { good: false, ..Event::good(at, Value::System { name: "No Data".into(), code: 248 }) };
    let Some(before) = before else { return Some(no_data()) };
    let value = match (&before.value, after.as_ref().map(|event| (event.ticks, &event.value))) {
        (Value::Float32(a), Some((ticks, Value::Float32(b)))) => {
            let share = (at - before.ticks) as f64 / (ticks - before.ticks) as f64;
            Value::Float32((f64::from(*a) + (f64::from(*b) - f64::from(*a)) * share) as f32)
        }
        (Value::Float64(a), Some((ticks, Value::Float64(b)))) => {
            let share = (at - before.ticks) as f64 / (ticks - before.ticks) as f64;
            Value::Float64(a + (b - a) * share)
        }
        (other, _) => other.clone(),
    };
    Some(Event { ticks: at, value, annotated: false, ..before })
}

/// Writes `Items` and `UnitsAbbreviation` of one stream into an open object; how many events that were.
pub(crate) fn members(call: &Call<'_>, object: &mut Obj<'_, '_>, tag: &Tag, ask: &Ask, units: &str) -> usize {
    let mut items = ask.select(&call.app.truth.view(tag));
    call.shape.apply(&mut items);
    let always = call.app.config.knobs.exceptions_always;
    let count = items.len();
    if !call.shape.no_items
        && let Some((out, selection)) = object.key("Items")
    {
        out.reserve(count * 144);
        let rows = Rows::in_units(selection, ask.annotations, always, units);
        list(out, rows, tag, &items, call.shape.item_errors);
    }
    object.text("UnitsAbbreviation", units);
    call.app.counter.events(count);
    count
}

fn list(out: &mut Vec<u8>, mut rows: Rows<'_>, tag: &Tag, items: &[Item], errors_at: Option<usize>) {
    let errors_at = errors_at.map(|index| index.min(items.len().saturating_sub(1)));
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        rows.item(out, tag, item);
        if errors_at == Some(index) {
            rows.errors(out);
        }
    }
    out.push(b']');
}

/// Writes the top-level `WebException` of a fault, selected or not as the server is set.
pub(crate) fn web_exception(call: &Call<'_>, root: &mut Obj<'_, '_>) {
    let Some((status, _)) = call.shape.web_exception else { return };
    let out = if call.app.config.knobs.exceptions_always {
        root.force("WebException")
    } else {
        match root.key("WebException") {
            Some((out, _)) => out,
            None => return,
        }
    };
    exception(out, status);
}

/// Adds the `WebException` of a fault to the object that was written last.
pub(crate) fn late_exception(call: &Call<'_>, out: &mut Vec<u8>) {
    let Some((status, _)) = call.shape.web_exception else { return };
    render::reopen(out);
    out.extend_from_slice(b"\"WebException\":");
    exception(out, status);
    out.push(b'}');
}

fn exception(out: &mut Vec<u8>, status: u16) {
    out.extend_from_slice(format!("{{\"StatusCode\":{status},\"Errors\":").as_bytes());
    json::strings(out, &["The operation failed while the response was being written.".to_owned()]);
    out.push(b'}');
}
