//! The words of the contract into those of the model, and back. What a guest says about time is checked here: an
//! interval off the microsecond grid could cut events apart that share one stored timestamp.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_model::{Cover, Domain, Fault, Instant, Interval, Retry, Series, Span};

use crate::bindings::{host, plugin, types};
use crate::describe::printable;
use crate::outlet::{Bookmarked, Change, Counting, Counts, Finding, Item, Outcome, Partition, Tally};

/// Bytes of a code and of a message that are kept.
const CODE_BYTES: usize = 64;
const MESSAGE_BYTES: usize = 4_096;
/// Bytes of a bookmark: each series has one in a table that every run reads.
const BOOKMARK_BYTES: usize = 1_024;

pub(crate) fn fault(said: types::Fault) -> Fault {
    let domain = match said.domain {
        types::Domain::User => Domain::User,
        types::Domain::External => Domain::External,
        types::Domain::Internal => Domain::Internal,
    };
    let retry = match said.retry {
        types::Retry::Never => Retry::Never,
        types::Retry::Later => Retry::Later,
    };
    Fault { domain, retry, code: clip(said.code, CODE_BYTES), message: clip(said.message, MESSAGE_BYTES) }
}

/// An interval of the guest; the error says what is wrong with it.
pub(crate) fn interval(said: types::Interval) -> Result<Interval, String> {
    let interval = Interval::new(Instant(said.start), Instant(said.end));
    if interval.start > interval.end {
        return Err(format!("an interval ends before it starts ({interval:?} in nanoseconds)"));
    }
    let aligned = |instant: Instant| instant.floor_micros() == instant;
    if !(aligned(interval.start) && aligned(interval.end)) {
        return Err(format!("an interval does not start and end on whole microseconds ({interval:?} in nanoseconds)"));
    }
    Ok(interval)
}

pub(crate) fn covers(said: Vec<types::Cover>) -> Result<Vec<Cover>, String> {
    let convert = |cover: types::Cover| match interval(cover.interval) {
        Ok(interval) => Ok(Cover { series: cover.series, interval }),
        Err(reason) => Err(format!("the cover of `{}`: {reason}", printable(&cover.series))),
    };
    said.into_iter().map(convert).collect()
}

pub(crate) fn series(said: types::Series) -> Series {
    Series { id: said.id, name: said.name, ahead: said.ahead, detail: said.detail }
}

pub(crate) fn finding(said: plugin::Finding) -> Finding {
    let outcome = match said.outcome {
        plugin::Outcome::Ok => Outcome::Ok,
        plugin::Outcome::Warning => Outcome::Warning,
        plugin::Outcome::Failed => Outcome::Failed,
    };
    Finding { subject: said.subject, outcome, detail: said.detail, advice: said.advice }
}

pub(crate) fn item(said: host::Item) -> Item {
    Item { kind: said.kind, id: said.id, name: said.name, path: said.path, description: said.description }
}

/// The partitions of a plan. Series are shared with what was asked; a plan cannot invent any.
pub(crate) fn partitions(said: Vec<plugin::Partition>, asked: &[Span]) -> Result<Vec<Partition>, String> {
    let known: HashMap<&str, &Arc<Series>> = asked.iter().map(|span| (span.series.id.as_str(), &span.series)).collect();
    let convert = |span: types::Span| match known.get(span.series.id.as_str()) {
        Some(series) => Ok(Span { series: Arc::clone(series), interval: interval(span.interval)? }),
        None => Err(format!("it plans to read `{}`, which nobody asked for", printable(&span.series.id))),
    };
    let partition = |partition: plugin::Partition| {
        let spans = partition.spans.into_iter().map(convert).collect::<Result<_, String>>()?;
        Ok(Partition { spans, requests: partition.requests })
    };
    said.into_iter().map(partition).collect()
}

/// The answer to a request to count `asked`: one tally or fault for each span, one number for each bucket.
pub(crate) fn counts(
    said: plugin::Counts,
    asked: &[Span],
    width: u64,
    fault: impl Fn(types::Fault) -> Fault,
) -> Result<Counts, String> {
    let said = match said {
        plugin::Counts::Unsupported(why) => return Ok(Counts::Unsupported(clip(why, MESSAGE_BYTES))),
        plugin::Counts::Counted(said) => said,
    };
    if said.len() != asked.len() {
        return Err(format!("it counts {} spans where {} were asked for", said.len(), asked.len()));
    }
    let tally = |(said, span): (Result<plugin::Tally, types::Fault>, &Span)| {
        let said = match said {
            Ok(said) => said,
            Err(said) => return Ok(Err(fault(said))),
        };
        let buckets = span.interval.buckets(width).count();
        if said.buckets.len() != buckets {
            let (name, found) = (printable(&span.series.id), said.buckets.len());
            return Err(format!("it gives {found} counts of `{name}` where {buckets} were asked for"));
        }
        let counting = match said.counting {
            plugin::Counting::All => Counting::All,
            plugin::Counting::Good => Counting::Good,
            plugin::Counting::Unknown => Counting::Unknown,
        };
        Ok(Ok(Tally { counting, buckets: said.buckets }))
    };
    Ok(Counts::Counted(said.into_iter().zip(asked).map(tally).collect::<Result<_, String>>()?))
}

/// What changed of the series that were asked about; a plugin cannot speak of others, nor twice of one.
pub(crate) fn changes(said: Vec<plugin::Change>, asked: &[Bookmarked]) -> Result<Vec<Change>, String> {
    let mut open: HashSet<&str> = asked.iter().map(|it| it.series.id.as_str()).collect();
    let convert = |change: plugin::Change| {
        let name = || printable(&change.series);
        if !open.remove(change.series.as_str()) {
            return Err(format!("it tells changes of `{}`, which were not asked for, or twice", name()));
        }
        if change.bookmark.len() > BOOKMARK_BYTES {
            return Err(format!("the bookmark of `{}` is longer than {BOOKMARK_BYTES} bytes", name()));
        }
        let dirty = change.dirty.into_iter().map(interval).collect::<Result<_, String>>();
        let dirty = dirty.map_err(|reason| format!("the changes of `{}`: {reason}", name()))?;
        Ok(Change { series: change.series, bookmark: change.bookmark, dirty, complete: change.complete })
    };
    said.into_iter().map(convert).collect()
}

pub(crate) fn bookmarks_to_guest(asked: &[Bookmarked]) -> Vec<plugin::Bookmarked> {
    let convert =
        |it: &Bookmarked| plugin::Bookmarked { series: series_to_guest(&it.series), bookmark: it.bookmark.clone() };
    asked.iter().map(convert).collect()
}

fn series_to_guest(series: &Series) -> types::Series {
    let Series { id, name, ahead, detail } = series;
    types::Series { id: id.clone(), name: name.clone(), ahead: *ahead, detail: detail.clone() }
}

pub(crate) fn to_guest(spans: &[Span]) -> Vec<types::Span> {
    let convert = |span: &Span| {
        let series = series_to_guest(&span.series);
        let Interval { start: Instant(start), end: Instant(end) } = span.interval;
        types::Span { series, interval: types::Interval { start, end } }
    };
    spans.iter().map(convert).collect()
}

/// `text` cut at a character, at most `bytes` long.
pub(crate) fn clip(mut text: String, bytes: usize) -> String {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(id: &str) -> Span {
        let series = Series { id: id.into(), name: String::new(), ahead: false, detail: String::new() };
        Span { series: Arc::new(series), interval: Interval::new(Instant(0), Instant(2_000)) }
    }

    #[test]
    fn an_interval_off_the_microsecond_grid_is_refused() {
        let check = |start, end| interval(types::Interval { start, end });
        assert!(check(-1_000, 2_000).is_ok() && check(5_000, 5_000).is_ok());
        assert!(check(0, 1_500).unwrap_err().contains("whole microseconds"));
        assert!(check(-100, 0).unwrap_err().contains("whole microseconds"));
        assert!(check(2_000, 1_000).unwrap_err().contains("ends before it starts"));
        assert!(check(i64::MIN, i64::MAX).is_err(), "the ends of the range lie off the grid");
    }

    #[test]
    fn a_count_that_is_not_one_for_each_bucket_breaks_the_contract() {
        let spans = [asked("a"), asked("b")];
        let tally =
            |buckets: &[u64]| Ok(plugin::Tally { counting: plugin::Counting::Unknown, buckets: buckets.to_vec() });
        let said = |each: Vec<_>| counts(plugin::Counts::Counted(each), &spans, 1_000, fault);
        let Ok(Counts::Counted(counted)) = said(vec![tally(&[1, 2]), tally(&[0, 7])]) else { unreachable!() };
        assert_eq!(counted[1], Ok(Tally { counting: Counting::Unknown, buckets: vec![0, 7] }));
        assert!(said(vec![tally(&[1, 2])]).unwrap_err().contains("counts 1 spans where 2"));
        assert!(said(vec![tally(&[1, 2]), tally(&[3])]).unwrap_err().contains("1 counts of `b` where 2"));
        let refused = types::Fault {
            domain: types::Domain::User,
            retry: types::Retry::Never,
            code: "http-403".into(),
            message: "no".into(),
        };
        let Ok(Counts::Counted(counted)) = said(vec![Err(refused), tally(&[0, 0])]) else { unreachable!() };
        assert_eq!(counted[0].as_ref().unwrap_err().code, "http-403");
    }

    #[test]
    fn a_plan_shares_the_series_it_was_given_and_invents_none() {
        let spans = [asked("a"), asked("b")];
        let said = |spans: &[Span]| vec![plugin::Partition { spans: to_guest(spans), requests: 1 }];
        let planned = partitions(said(&spans), &spans).unwrap();
        assert!(Arc::ptr_eq(&planned.first().unwrap().spans.first().unwrap().series, &spans.first().unwrap().series));
        assert!(partitions(said(&[asked("c")]), &spans).unwrap_err().contains("`c`, which nobody asked for"));
    }

    #[test]
    fn a_change_is_one_of_a_series_that_was_asked_about() {
        let asked = [Bookmarked { series: asked("a").series, bookmark: String::new() }];
        let change = |series: &str, bookmark: &str, end| plugin::Change {
            series: series.into(),
            bookmark: bookmark.into(),
            dirty: vec![types::Interval { start: 0, end }],
            complete: true,
        };
        let told = changes(vec![change("a", "m", 1_000)], &asked).unwrap();
        assert_eq!(told.first().unwrap().dirty, [Interval::new(Instant(0), Instant(1_000))]);
        let refused = |said: Vec<plugin::Change>| changes(said, &asked).unwrap_err();
        assert!(refused(vec![change("b", "m", 1_000)]).contains("`b`, which were not asked for"));
        assert!(refused(vec![change("a", "m", 1_000), change("a", "n", 1_000)]).contains("or twice"));
        assert!(refused(vec![change("a", &"m".repeat(1_025), 1_000)]).contains("longer than 1024 bytes"));
        assert!(refused(vec![change("a", "m", 1_500)]).contains("whole microseconds"));
    }

    #[test]
    fn text_is_cut_at_a_character() {
        assert_eq!(clip("ääää".into(), 5), "ää…");
        assert_eq!(clip("abc".into(), 3), "abc");
    }
}
