//! Lists: where a page begins and ends, its paging links, and its items as faults leave them.

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::fields::Selection;
use crate::pi::json::Obj;
use crate::pi::{recorded, render};

/// Where a page of a list begins and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    start: usize,
    count: usize,
    total: usize,
}

impl Page {
    /// Reads `startIndex` and `maxCount` for a list of `total`.
    pub(super) fn read(call: &Call<'_>, default: i64, cap: usize, total: usize) -> Result<Page, Refusal> {
        let cap = call.shape.cap.unwrap_or(cap);
        Ok(Page { start: call.query.start_index()?, count: call.query.max_count(default, cap)?, total })
    }

    /// A page of at most 1000 unless asked for more, up to `MaxReturnedItemsPerCall`.
    pub(super) fn usual(call: &Call<'_>, total: usize) -> Result<Page, Refusal> {
        Page::read(call, 1000, call.app.config.max_items, total)
    }

    /// The positions on this page.
    pub(super) fn range(self) -> std::ops::Range<usize> {
        let start = self.start.min(self.total);
        start..start.saturating_add(self.count).min(self.total)
    }

    /// `First`, `Previous`, `Next`, `Last` as far as they exist, with the request's other parameters kept.
    pub(super) fn links(self, call: &Call<'_>, links: &mut Obj<'_, '_>, last: bool) {
        let path = format!("{}/{}", call.base, call.segments.join("/"));
        let kept = call.query.rest(&["startindex"]);
        let url = |start: usize| format!("{path}?{kept}{}startIndex={start}", if kept.is_empty() { "" } else { "&" });
        links.text("First", &url(0));
        if self.start > 0 {
            links.text("Previous", &url(self.start.saturating_sub(self.count)));
        }
        if self.range().end < self.total {
            links.text("Next", &url(self.start + self.count));
        }
        if last {
            links.text("Last", &url(self.total.saturating_sub(1) / self.count * self.count));
        }
    }
}

/// One page of `found` with its paging links.
pub(super) fn page<T>(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    found: &[T],
    each: impl FnMut(&mut Vec<u8>, Selection<'_>, &T),
) -> Result<Head, Refusal> {
    let page = Page::usual(call, found.len())?;
    let items = found.get(page.range()).unwrap_or_default();
    Ok(write(call, out, |links| page.links(call, links, true), items, each))
}

/// `{"Links":{},"Items":[…]}` without paging.
pub(super) fn collection<T>(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    each: impl FnMut(&mut Vec<u8>, Selection<'_>, &T),
) -> Head {
    let items: Vec<T> = items.into_iter().collect();
    write(call, out, |_| {}, &items, each)
}

/// A list with these links, its items as faults leave them.
pub(super) fn write<T>(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    links: impl FnOnce(&mut Obj<'_, '_>),
    items: &[T],
    mut each: impl FnMut(&mut Vec<u8>, Selection<'_>, &T),
) -> Head {
    let fields = call.query.fields();
    let mut root = Obj::open(out, fields.root());
    root.object("Links", links);
    let mut left: Vec<&T> = items.iter().collect();
    call.shape.apply(&mut left);
    let marked = call.shape.item_errors.map(|index| index.min(left.len().saturating_sub(1)));
    let always = call.app.config.knobs.exceptions_always;
    if !call.shape.no_items {
        root.array("Items", left.into_iter().enumerate(), |out, selection, (index, item)| {
            each(out, selection, item);
            if marked == Some(index) && (always || selection.has("Errors")) {
                render::item_errors(out, "Name");
            }
        });
    }
    recorded::web_exception(call, &mut root);
    root.close();
    Head::json(200)
}

/// One object that is not in a list; faults of lists show on it as far as they can.
pub(super) fn single(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    each: impl FnOnce(&mut Vec<u8>, Selection<'_>),
) -> Result<Head, Refusal> {
    let fields = call.query.fields();
    each(out, fields.root());
    let always = call.app.config.knobs.exceptions_always;
    if call.shape.item_errors.is_some() && (always || fields.root().has("Errors")) {
        render::item_errors(out, "Name");
    }
    if call.shape.web_exception.is_some() && (always || fields.root().has("WebException")) {
        recorded::late_exception(call, out);
    }
    Ok(Head::json(200))
}
