//! `…/multiple?webId=…&path=…`: several objects in one GET, each with itself or with what went wrong.

use crate::pi::answer::{Body, Head, Refusal};
use crate::pi::app::Call;
use crate::pi::fields::Selection;
use crate::pi::json::{self, Obj};

/// What these routes know, beside what is their own.
pub(super) const KNOWN: [&str; 7] =
    ["webid", "path", "includemode", "asparallel", "associations", "selectedfields", "webidtype"];

/// 207 when any of them failed.
pub(super) fn multiple<T>(
    call: &Call<'_>,
    out: &mut Vec<u8>,
    by_id: impl Fn(&str) -> Result<T, Refusal>,
    by_path: impl Fn(&str) -> Result<T, Refusal>,
    mut each: impl FnMut(&mut Vec<u8>, Selection<'_>, &T),
) -> Result<Head, Refusal> {
    call.query.only(call.app, &KNOWN)?;
    call.query.flag("asparallel", "asParallel", false)?;
    let (with, without) = match call.query.one("includemode").map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "all") => (true, true),
        Some("itemswithexceptiononly") => (true, false),
        Some("itemswithoutexceptiononly") => (false, true),
        Some(other) => return Err(Refusal::binding("includeMode", other)),
    };
    let ids = call.query.all("webid").into_iter().map(|id| ("WebId", id, by_id(id)));
    let paths = call.query.all("path").into_iter().map(|path| ("Path", path, by_path(path)));
    let found: Vec<_> = ids.chain(paths).collect();
    if found.is_empty() {
        return Err(Refusal::bad("Parameter 'webId' or 'path' is required.".to_owned()));
    }
    let failed = found.iter().any(|(_, _, it)| it.is_err());
    let kept = found.iter().filter(|(_, _, it)| if it.is_err() { with } else { without });
    super::collection(call, out, kept, |out, selection, (kind, text, it)| {
        let mut object = Obj::open(out, selection);
        object.text("Identifier", text).text("IdentifierType", kind);
        match it {
            Ok(it) => {
                if let Some((out, below)) = object.key("Object") {
                    each(out, below, it);
                }
            }
            Err(refusal) => {
                object.object("Exception", |exception| {
                    if let Some((out, _)) = exception.key("Errors") {
                        json::strings(out, &texts(refusal));
                    }
                });
            }
        }
        object.close();
    });
    Ok(Head::json(if failed { 207 } else { 200 }))
}

fn texts(refusal: &Refusal) -> Vec<String> {
    match &refusal.body {
        Body::Errors(texts) => texts.clone(),
        Body::Message(text) | Body::Text(text) => vec![text.clone()],
        Body::Html(_) | Body::Nothing => Vec::new(),
    }
}
