//! One answered page → rows, proofs, gaps and rejects. No request, no host: everything here can be tested natively.

use tidegate_sdk::{Cover, Fault, Interval, events::TimeSeriesBuilder, http::Response, micros, quote};

use crate::{
    api::{Data, Sample, Stamp, judge},
    convert,
    echo::Echoes,
    pages::{Ask, Pages, Round, unknown_tag},
    tag::Tag,
};

/// What an answer brought.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) rows: TimeSeriesBuilder,
    pub(super) covers: Vec<Cover>,
    /// Tag by its place, what is missing, why.
    pub(super) gaps: Vec<(usize, Interval, Fault)>,
    pub(super) rejects: Vec<Reject>,
}

/// A sample without a place in the table.
#[derive(Debug)]
pub(super) struct Reject {
    pub(super) tag: usize,
    pub(super) raw: String,
    pub(super) reason: &'static str,
}

/// Takes in the answer to `ask`.
///
/// # Errors
/// When the answer as a whole cannot be read; then nothing of it counts.
pub(super) fn digest(answer: &Response, ask: &Ask, tags: &[Tag], pages: &mut Pages) -> Result<Batch, Fault> {
    let what = what(ask, tags);
    let (data, next) = judge::<Data<'_>>(&what, answer)?;
    let page = by_tag(&what, data, ask, tags)?;
    Ok(rows(pages.settle(page, next)?, tags))
}

/// Which request it was, for messages.
fn what(ask: &Ask, tags: &[Tag]) -> String {
    let first = ask.tags.first().and_then(|place| tags.get(*place)).map_or("", |tag| tag.path.as_str());
    match ask.tags.len() {
        0 | 1 => format!("getTagData2 of {}", quote(first)),
        count => format!("getTagData2 of {count} tags, the first of them {},", quote(first)),
    }
}

/// The samples of each tag of the request, in its order.
///
/// A server may write a path in another case than it was asked for. What nobody asked for means that something asked for
/// may be missing: then nothing of the answer counts.
fn by_tag<'a>(what: &str, data: Data<'a>, ask: &Ask, tags: &[Tag]) -> Result<Vec<Option<Vec<Sample<'a>>>>, Fault> {
    let mut echoes = Echoes::of(ask.tags.iter().map(|place| tags.get(*place).map_or("", |tag| tag.path.as_str())));
    let mut page: Vec<Option<Vec<Sample<'a>>>> = ask.tags.iter().map(|_| None).collect();
    for (path, samples) in data.0.0 {
        let Some(place) = echoes.place(&path).and_then(|at| page.get_mut(at)) else {
            let text = format!("{what}: the answer holds {}, which was not asked for", quote(&path));
            return Err(Fault::external("malformed-answer", text));
        };
        if place.replace(samples.unwrap_or_default()).is_some() {
            let text = format!("{what}: the answer holds {} twice", quote(&path));
            return Err(Fault::external("malformed-answer", text));
        }
    }
    Ok(page)
}

/// The rows of what is certain.
pub(super) fn rows(round: Round<'_>, tags: &[Tag]) -> Batch {
    let count = round.taken.iter().map(|(_, samples, _)| samples.len()).sum();
    let mut batch = Batch {
        rows: TimeSeriesBuilder::with_capacity(count),
        covers: Vec::with_capacity(round.taken.len()),
        gaps: round.gaps,
        rejects: Vec::new(),
    };
    for (place, samples, cover) in round.taken {
        let Some(tag) = tags.get(place) else { continue };
        if !samples.is_empty() {
            batch.rows.series(&tag.id, &tag.path);
        }
        for (at, sample) in &samples {
            match convert::map(sample) {
                _ if !matches!(sample.stamp, Stamp::At(_)) => {
                    batch.reject(place, sample, "the timestamp is not a time with an offset");
                }
                Ok(mapped) => batch.rows.push(&convert::row(micros(*at), sample, &mapped, tag.units.as_deref())),
                Err(reason) => batch.reject(place, sample, reason),
            }
        }
        batch.covers.push(Cover::new(tag.id.as_str(), cover));
    }
    for (place, interval) in round.denied {
        if let Some(tag) = tags.get(place) {
            batch.gaps.push((place, interval, unknown_tag(&tag.path)));
        }
    }
    batch
}

impl Batch {
    fn reject(&mut self, tag: usize, sample: &Sample<'_>, reason: &'static str) {
        self.rejects.push(Reject { tag, raw: sample.json(), reason });
    }
}

#[cfg(test)]
mod tests;
