//! Aggregates over equal intervals. All tags advance together, so the continuation is the start of the next interval,
//! once per tag.

use super::{Limits, Wanted};
use crate::canary::aggregate::{Aggregate, Interval};
use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::catalogue::Target;
use crate::canary::json::Members;
use crate::canary::rows::Rows;
use crate::canary::sample::Sample;
use crate::canary::tag::Tag;
use crate::canary::truth::ALL;
use crate::canary::when::time;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    /// Name of the aggregate.
    pub(super) name: &'a str,
    /// Start of the range.
    pub(super) start: i64,
    /// End of the range, exclusive.
    pub(super) end: i64,
    /// Length of an interval in ticks.
    pub(super) interval: i64,
}

/// Writes one page of rows.
pub(super) fn write(
    call: &Call<'_>,
    wanted: &[Wanted],
    ask: Ask<'_>,
    limits: Limits,
    rows: &mut Rows,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let unknown = || Refused::errors(format!("the aggregate '{}' does not exist", ask.name));
    let aggregate = Aggregate::parse(ask.name).ok_or_else(unknown)?;
    let from = match call.params.entries("continuation")? {
        None => ask.start,
        Some(entries) => {
            call.app.continuations.check(call.binding, &entries)?;
            let text = entries.iter().flatten().next();
            let next = text.and_then(|text| time(text, &call.anchors()));
            next.ok_or_else(|| Refused::errors("the continuation is invalid"))?
        }
    };
    let share = (limits.total / wanted.len().max(1)).max(1);
    let count = i64::try_from(limits.per_tag.min(share)).unwrap_or(i64::MAX);
    let to = count.checked_mul(ask.interval).and_then(|length| from.checked_add(length));
    let to = to.map_or(ask.end, |to| to.min(ask.end));
    let mut list = Members::open(out, "data");
    for Wanted { path, target } in wanted {
        match target {
            Target::Tag(tag) if !call.is_offline() => {
                let mut made = page(call, tag, aggregate, from, to, ask);
                call.shape.apply(&mut made);
                call.app.counter.events(made.len());
                let out = list.key(path);
                out.push(b'[');
                for (n, sample) in made.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    rows.sample(out, sample.ticks, &sample.value, sample.quality);
                }
                out.push(b']');
            }
            Target::Unknown => rows.unknown(list.key(path)),
            _ => list.key(path).extend_from_slice(b"[]"),
        }
    }
    list.close();
    let next = (to < ask.end).then(|| call.zone.format(to));
    super::promise(call, vec![next; wanted.len()], out);
    Ok(())
}

fn page(call: &Call<'_>, tag: &Tag, aggregate: Aggregate, from: i64, to: i64, ask: Ask<'_>) -> Vec<Sample> {
    let truth = &call.app.truth;
    let before = truth.newest(tag, from - 1);
    let after = truth.collect(tag, to, ALL.1, false, 1).pop().map(|item| item.whole(&tag.generator));
    let found = truth.collect(tag, from, to - 1, false, usize::MAX);
    let samples: Vec<Sample> = found.iter().map(|item| item.whole(&tag.generator)).collect();
    let (mut made, mut at, mut first) = (Vec::new(), from, 0);
    while at < to {
        let end = at.saturating_add(ask.interval).min(ask.end);
        let inside = samples.get(first..).unwrap_or_default();
        let count = inside.iter().take_while(|sample| sample.ticks < end).count();
        let interval = Interval {
            from: at,
            to: end,
            before: first.checked_sub(1).and_then(|at| samples.get(at)).or(before.as_ref()),
            inside: inside.get(..count).unwrap_or_default(),
            after: samples.get(first + count).or(after.as_ref()),
            count_bad: call.app.config.knobs.count_bad,
        };
        made.push(interval.row(aggregate));
        first += count;
        at = end;
    }
    made
}
