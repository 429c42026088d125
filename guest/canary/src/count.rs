//! Counting: the historian counts its own samples with its aggregate `Count` (§6.6), and the host compares them with the
//! table.
//!
//! Whether `Count` holds samples that are not good is nowhere documented, so it is left to the host to find out. Everything
//! else must be exact: a figure that is no plain number, that stands elsewhere than it should, or that is missing, is a fault
//! of its tag.

mod answer;
mod request;

use std::collections::BTreeMap;

use tidegate_sdk::{
    Counting, Counts, Fault, Span, Tally,
    buckets::{Buckets, buckets, join},
};

use self::{answer::Figures, request::request};
use crate::{
    api::{Continuation, Data, judge},
    batches::{Batches, Verdict},
    server::Server,
    settings::Settings,
    tag::Tag,
};

const SECOND: i64 = 1_000_000_000;

/// Figures in one answer: some megabytes.
const FIGURES: usize = 20_000;

/// Has the server count each bucket of `spans`; as many tags share a request as in reading, if their windows are the same.
pub(crate) async fn counts(settings: &Settings, spans: &[Span], width: u64) -> Result<Counts, Fault> {
    let whole = i64::try_from(width).ok().filter(|width| *width > 0 && width % SECOND == 0);
    let Some(width) = whole else {
        return Ok(Counts::Unsupported(format!("this plugin has Canary count in whole seconds, not in {width} ns")));
    };
    let size = settings.performance.batch_size;
    let server = Server::new(settings);
    let tags: Vec<Tag> = spans.iter().map(|span| Tag::of(&span.series)).collect();
    let longest = (FIGURES / size).max(1);
    let mut tallies: Vec<Result<Vec<u64>, Fault>> = spans.iter().map(|_| Ok(Vec::new())).collect();
    for asked in same_windows(spans, width, longest) {
        let mut batches = Batches::new(asked, size);
        while let Some(asked) = batches.next() {
            let counted = match ask(&server, &asked, &tags).await {
                Ok(counted) => {
                    batches.answered();
                    asked.iter().map(|asked| asked.span).zip(counted).collect()
                }
                Err(fault) => match batches.failed(asked, fault) {
                    Verdict::Again => Vec::new(),
                    Verdict::Alone(asked, fault) => vec![(asked.span, Err(fault))],
                    Verdict::All(fault) => return Err(fault),
                },
            };
            for (span, counted) in counted {
                if let Some(tally) = tallies.get_mut(span) {
                    join(tally, counted);
                }
            }
        }
    }
    let tally = |buckets| Tally { counting: Counting::Unknown, buckets };
    Ok(Counts::Counted(tallies.into_iter().map(|buckets| buckets.map(tally)).collect()))
}

/// The pieces of all spans that one request may ask for together, in the order of time, in which a tally grows. A tag comes
/// once in a group.
fn same_windows(spans: &[Span], width: i64, longest: usize) -> Vec<Vec<Buckets>> {
    let mut groups: BTreeMap<(i64, i64, Option<i64>, usize), Vec<Buckets>> = BTreeMap::new();
    for (at, span) in spans.iter().enumerate() {
        // Two spans of one tag do not overlap, but a host may ask for the same twice.
        let earlier = spans.iter().take(at).filter(|other| other.series.id == span.series.id).count();
        for piece in buckets(at, span.interval, width, longest) {
            groups.entry((piece.interval.start, piece.interval.end, piece.width, earlier)).or_default().push(piece);
        }
    }
    groups.into_values().collect()
}

/// The numbers of each tag, from as many pages as the server makes of them.
async fn ask(server: &Server, asked: &[Buckets], tags: &[Tag]) -> Result<Vec<Result<Vec<u64>, Fault>>, Fault> {
    let Some(window) = asked.first() else { return Ok(Vec::new()) };
    let paths: Vec<&str> = asked.iter().filter_map(|asked| tags.get(asked.span)).map(|tag| tag.path.as_str()).collect();
    let mut figures = Figures::new(&paths, window);
    let mut next: Option<Continuation> = None;
    loop {
        let answer = server.post("getTagData2", &request(window, &paths, next.as_ref())).await?;
        let (data, more) = judge::<Data<'_>>("getTagData2 of counts", &answer)?;
        figures.take(data, more.is_some())?;
        if more.is_none() {
            return Ok(figures.numbers());
        }
        next = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::{Interval, Series};

    #[test]
    fn tags_with_the_same_windows_share_a_request_and_tallies_grow_in_time() {
        let span = |id: &str, start: i64, end: i64| Span {
            series: Series { id: id.into(), name: id.into(), ahead: false, detail: String::new() },
            interval: Interval::new(start * SECOND, end * SECOND),
        };
        let spans = [span("a", 0, 30), span("b", 0, 30), span("c", 5, 30), span("a", 0, 30)];
        let groups = same_windows(&spans, 10 * SECOND, 9);
        let shown: Vec<_> = groups
            .iter()
            .map(|group| {
                let start = group.first().unwrap().interval.start / SECOND;
                (start, group.iter().map(|piece| piece.span).collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(shown, [(0, vec![0, 1]), (0, vec![3]), (5, vec![2]), (10, vec![2])]);
    }
}
