//! Browsing: nodes of one level, tags of one level or all below, the state of views.

use crate::canary::answer::Refused;
use crate::canary::app::Call;
use crate::canary::json::{Members, named};
use crate::shared::text;

/// Tags in a page of `browseTags` unless asked otherwise.
const PAGE: usize = 10_000;

/// `browseNodes`.
pub(super) fn nodes(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let path = call.params.text("path")?.unwrap_or_default();
    let children = if call.shape.offline { Vec::new() } else { call.app.truth.catalogue().children(path) };
    let mut list = Members::open(out, "nodes");
    for child in children {
        let mut node = Members::object(list.key(&child.name));
        node.text("fullPath", Some(&child.path));
        node.bool("hasNodes", child.has_nodes).bool("hasTags", child.has_tags);
        node.close();
    }
    list.close();
    Ok(())
}

/// `browseTags`. The continuation is `pathid=<path>`, a tab, `index=<n>`, as a live server was seen to write it.
pub(super) fn tags(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let params = &call.params;
    let path = params.text("path")?.unwrap_or_default();
    let deep = params.flag("deep", false)?;
    let search = params.text("search")?.unwrap_or_default();
    let max = match params.number("maxsize", PAGE)? {
        0 => PAGE,
        max => max,
    };
    let from = match params.text("continuation")? {
        None => 0,
        Some(text) => {
            call.app.continuations.check(call.binding, &[Some(text.to_owned())])?;
            let index = text.rsplit_once("\tindex=").and_then(|(_, index)| index.parse().ok());
            index.ok_or_else(|| Refused::errors("the continuation is invalid"))?
        }
    };
    let catalogue = call.app.truth.catalogue();
    let mut found = catalogue.list(path, deep, search);
    if call.shape.offline {
        found.clear();
    }
    let mut page: Vec<String> = found.iter().skip(from).take(max).map(|(tag, _)| (*tag).to_owned()).collect();
    let next = (from + page.len() < found.len()).then(|| format!("pathid={path}\tindex={}", from + page.len()));
    call.shape.apply(&mut page);
    named(out, "tags");
    text::strings(out, &page);
    call.promise(next, out);
    Ok(())
}

/// `browseStatus`.
pub(super) fn status(call: &Call<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let truth = &call.app.truth;
    let views = match call.params.list("views")? {
        Some(views) => views,
        None => truth.catalogue().views.iter().map(|view| view.name.clone()).collect(),
    };
    let mut list = Members::open(out, "views");
    for view in views {
        let Some(sequence) = truth.sequence(&truth.catalogue().canonical(&view)) else { continue };
        let mut entry = Members::object(list.key(&view));
        entry.text("sequence", Some(&sequence.to_string()));
        entry.close();
    }
    list.close();
    Ok(())
}
