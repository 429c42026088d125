//! `getTagData` and `getTagData2`: last values, raw samples, aggregates (reference §6.1).

mod last;
mod processed;
mod raw;

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::json::named;
use crate::canary::rows::Rows;
use crate::canary::when::span;
use crate::shared::text;

/// Ceiling and default of `maxSize` of `getTagData`, all tags together.
const CEILING: usize = 10_000;

/// Which of the two methods, and how many values it may return.
#[derive(Clone, Copy, Debug)]
struct Limits {
    per_tag: usize,
    total: usize,
}

impl Limits {
    /// `getTagData` counts across all tags, `getTagData2` per tag with a cap on the whole answer.
    fn read(call: &Call<'_>, second: bool) -> Result<Limits, Refused> {
        let asked = call.params.number("maxsize", 0)?;
        Ok(match (second, asked) {
            (true, 0) => Limits { per_tag: usize::MAX, total: call.app.config.max_values },
            (true, asked) => Limits { per_tag: asked, total: call.app.config.max_values },
            (false, 0) => Limits { per_tag: usize::MAX, total: CEILING },
            (false, asked) => Limits { per_tag: usize::MAX, total: asked.min(CEILING) },
        })
    }
}

/// What lies behind the tags of a call.
struct Wanted {
    path: String,
    target: Target,
}

/// `getTagData`.
pub(super) fn get(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    read(call, out, false)
}

/// `getTagData2`.
pub(super) fn get2(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    read(call, out, true)
}

fn read(call: &Call<'_>, out: &mut Vec<u8>, second: bool) -> Result<(), Refused> {
    let wanted = wanted(call)?;
    let mut rows = rows(call)?;
    let (start, end) = (call.time("starttime")?, call.time("endtime")?);
    let limits = Limits::read(call, second)?;
    let Some(name) = call.params.text("aggregatename")? else {
        return match (start, end) {
            (None, None) => last::write(call, &wanted, &mut rows, out),
            (Some(start), end) => {
                let window = window(call, start, end.unwrap_or_else(|| call.anchors().now))?;
                raw::write(call, &wanted, window, limits, &mut rows, out)
            }
            (None, Some(_)) => Err(Refused::errors("parameter 'startTime' is required with 'endTime'")),
        };
    };
    let interval = match call.params.text("aggregateinterval")? {
        Some(text) => {
            let bad = || Refused::errors(format!("parameter 'aggregateInterval': '{text}' is not a time span"));
            Some(span(text).ok_or_else(bad)?)
        }
        None if call.v1 => return Err(Refused::errors("parameter 'aggregateInterval' is required")),
        None => None,
    };
    let now = call.anchors().now;
    let (start, end, interval) = match (start, end, interval) {
        (Some(start), Some(end), interval) => (start, end, interval.unwrap_or(end - start)),
        (None, None, Some(interval)) => (now - interval, now, interval),
        (Some(start), None, Some(interval)) => (start, now + interval, interval),
        (None, Some(end), Some(interval)) => (now - interval, end, interval),
        _ => return Err(Refused::errors("parameters 'startTime', 'endTime' or 'aggregateInterval' are missing")),
    };
    if start >= end || interval <= 0 {
        return Err(Refused::errors("parameter 'startTime' is not before 'endTime'"));
    }
    let ask = processed::Ask { name, start, end, interval };
    processed::write(call, &wanted, ask, limits, &mut rows, out)
}

/// First and last instant of a range, both inclusive.
fn window(call: &Call<'_>, start: i64, end: i64) -> Result<(i64, i64), Refused> {
    if start > end {
        return Err(Refused::errors("parameter 'startTime' is after 'endTime'"));
    }
    Ok((start, if call.app.config.knobs.end_exclusive { end - 1 } else { end }))
}

fn wanted(call: &Call<'_>) -> Result<Vec<Wanted>, Refused> {
    let find = |path: String| {
        let target = call.find(&path);
        if matches!(target, Target::Nowhere) && call.app.config.knobs.unknown_dataset_errors {
            return Err(Refused::errors(format!("'{path}' is not in a view or dataset that exists")));
        }
        Ok(Wanted { target, path })
    };
    call.tags()?.into_iter().map(find).collect()
}

fn rows(call: &Call<'_>) -> Result<Rows, Refused> {
    let arrays = call.v1 || call.app.config.knobs.array_samples;
    Ok(Rows::new(arrays, call.params.flag("includequality", false)?, call.zone))
}

/// Writes the continuation: null when nothing is left, else an entry for each tag, or for each that is not finished.
fn promise(call: &Call<'_>, entries: Vec<Option<String>>, out: &mut Vec<u8>) {
    named(out, "continuation");
    if entries.iter().all(Option::is_none) {
        out.extend_from_slice(b"null");
        return;
    }
    let nulls = call.app.config.knobs.null_entries;
    let kept: Vec<Option<String>> = entries.into_iter().filter(|entry| nulls || entry.is_some()).collect();
    out.push(b'[');
    for (n, entry) in kept.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        match entry {
            Some(entry) => text::string(out, entry),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    call.app.continuations.issue(call.binding, &kept);
}
