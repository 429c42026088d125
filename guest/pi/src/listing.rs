//! Listings that a server hands out page by page, read to their true end.
//!
//! A page may be shorter than asked for although more follows, `Links.Next` may be missing although more follows, and
//! a set that changes meanwhile may show an object twice: so the end is an empty page, or a short one without `Next`,
//! and objects are told apart by identity. Each page begins with the last object of the page before: when it does not,
//! something was added or removed meanwhile, and an object may be missing.

mod crowd;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod listed;

pub(crate) use crowd::Crowd;
pub(crate) use listed::Listed;

use std::collections::HashSet;

use serde::Deserialize;
use tidegate_sdk::{Fault, Retry};

use crate::{api::Page, identity::Identity, read::limit_in, server::Server};

/// Objects in a page: half the usual site in one request, and far below the usual limit of 150,000.
const PAGE: usize = 5_000;

/// The least that is asked for after time-outs: a server that cannot list so few has another trouble.
const LEAST: usize = 100;

/// A listing under way.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    server: &'a Server,
    path: String,
    query: Vec<(&'a str, String)>,
    next: usize,
    size: usize,
    seen: HashSet<Identity>,
    ended: bool,
    /// The last object of the page before.
    last: Option<Identity>,
    /// A page did not begin where the one before had ended.
    torn: bool,
    /// Objects that were shown more than once.
    repeats: usize,
    /// Whether a page that took too long is asked for again in halves.
    yields: bool,
}

impl<'a> Listing<'a> {
    /// Lists what `GET path` holds; `query` without `startIndex` and `maxCount`.
    pub(crate) fn new(server: &'a Server, path: String, query: Vec<(&'a str, String)>) -> Self {
        Self {
            server,
            path,
            query,
            next: 0,
            size: PAGE,
            seen: HashSet::new(),
            ended: false,
            last: None,
            torn: false,
            repeats: 0,
            yields: true,
        }
    }

    /// Objects in a page, other than the usual.
    pub(crate) fn pages_of(mut self, size: usize) -> Self {
        self.size = size;
        self
    }

    /// Leaves a page that took too long to the caller, who has a better way to ask for less.
    pub(crate) fn unyielding(mut self) -> Self {
        self.yields = false;
        self
    }

    /// Whether the server has answered a page.
    pub(crate) fn has_begun(&self) -> bool {
        self.next > 0 || self.ended
    }

    /// Whether two pages did not fit together: what was between them may be missing.
    pub(crate) fn is_torn(&self) -> bool {
        self.torn
    }

    /// The listing, if its pages fitted together.
    ///
    /// # Errors
    /// A fault that may pass when it is read again.
    pub(crate) fn whole(&self) -> Result<(), Fault> {
        let text =
            format!("GET {}: the list changed while it was read, page by page; it is read again later", self.path);
        if self.torn { Err(Fault::external("paging", text)) } else { Ok(()) }
    }

    /// How many objects of the page before are asked for again.
    fn overlap(&self) -> usize {
        usize::from(self.next > 0 && self.size > 1)
    }

    /// Whether an object came twice. Where objects are listed once each, another one then moved to a page that had been
    /// read already, and is missing.
    pub(crate) fn has_shifted(&self) -> bool {
        self.repeats > 0
    }

    /// The next page without what was seen before; `None` at the end.
    pub(crate) async fn page<T: Listed>(&mut self) -> Result<Option<Vec<T>>, Fault> {
        while !self.ended {
            let (start, size) = ((self.next - self.overlap()).to_string(), self.size.to_string());
            let mut query: Vec<(&str, &str)> = self.query.iter().map(|(key, value)| (*key, value.as_str())).collect();
            query.extend([("startIndex", start.as_str()), ("maxCount", size.as_str())]);
            let page: Page<T> = match self.server.get(&self.path, &query).await {
                Ok(page) => page,
                Err(fault) => {
                    self.shrink(fault)?;
                    continue;
                }
            };
            return self.accept(page);
        }
        Ok(None)
    }

    fn accept<T: Listed>(&mut self, page: Page<T>) -> Result<Option<Vec<T>>, Fault> {
        let (length, overlap) = (page.items.len(), self.overlap());
        listed::sound(&self.path, &page.items)?;
        if overlap > 0 && page.items.first().map(Listed::identity) != self.last {
            self.torn = true;
        }
        self.last = page.items.last().map(Listed::identity).or(self.last);
        let new = length.saturating_sub(overlap);
        self.next += new;
        self.ended = new == 0 || (length < self.size && page.links.next.is_none());
        let fresh: Vec<T> = page.items.into_iter().filter(|item| self.seen.insert(item.identity())).collect();
        self.repeats += new.saturating_sub(fresh.len());
        if length > 0 && fresh.is_empty() && !self.ended {
            return Err(repeated(&self.path));
        }
        Ok((length > 0).then_some(fresh))
    }

    /// A server with a smaller limit refuses our page, a slow one does not come to its end; anything else is a failure.
    fn shrink(&mut self, fault: Fault) -> Result<(), Fault> {
        self.size = match smaller(self.size, &fault) {
            Some(size) if self.yields || !fault.asked_too_much() => size,
            _ => return Err(fault),
        };
        Ok(())
    }
}

/// The page to ask for after `fault`, if a smaller one may help.
fn smaller(size: usize, fault: &Fault) -> Option<usize> {
    if fault.asked_too_much() {
        return (size > LEAST).then_some((size / 2).max(LEAST));
    }
    let limit =
        (fault.code == "http-400" && fault.retry == Retry::Never).then(|| limit_in(&fault.message)).flatten()?;
    Some(limit.filter(|limit| *limit > 0 && *limit < size).unwrap_or(size / 2)).filter(|size| *size > 0)
}

fn repeated(path: &str) -> Fault {
    let text = format!("GET {path}: the server repeats a page instead of going on; the listing is not whole");
    Fault::external("paging", text)
}

/// A list that servers do not page.
#[derive(Debug, Deserialize)]
pub(crate) struct Whole<T> {
    #[serde(rename = "Items")]
    pub(crate) items: Vec<T>,
}

#[cfg(test)]
mod tests;
