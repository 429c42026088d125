//! All tags below a node, page by page (§5.2).

use std::collections::HashSet;

use serde::Serialize;
use serde_json::value::RawValue;
use tidegate_sdk::Fault;

use crate::{
    api::{Continuation, Tags},
    server::Server,
};

/// Tags in a page: the server's own default.
pub(crate) const PAGE: usize = 10_000;

/// Pages in a row without a tag that was not there before, after which a listing is not going anywhere.
const STILL: usize = 3;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    path: &'a str,
    deep: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    search: &'a str,
    max_size: usize,
    continuation: Option<&'a RawValue>,
}

/// A listing under way.
#[derive(Debug)]
pub(crate) struct Browse<'a> {
    server: &'a Server,
    path: &'a str,
    search: &'a str,
    progress: Progress,
}

/// How far it is.
#[derive(Debug, Default)]
struct Progress {
    seen: HashSet<String>,
    next: Option<Continuation>,
    still: usize,
    ended: bool,
}

impl<'a> Browse<'a> {
    /// Lists the tags below `path` at any depth, those that hold all words of `search`.
    pub(crate) fn new(server: &'a Server, path: &'a str, search: &'a str) -> Self {
        Self { server, path, search, progress: Progress::default() }
    }

    /// The next page, each tag once; `None` at the end.
    pub(crate) async fn page(&mut self) -> Result<Option<Vec<String>>, Fault> {
        if self.progress.ended {
            return Ok(None);
        }
        let request = Request {
            path: self.path,
            deep: true,
            search: self.search,
            max_size: PAGE,
            continuation: self.progress.next.as_ref().map(Continuation::raw),
        };
        let (Tags(tags), next) = self.server.ask("browseTags", &request).await?;
        self.progress.take(tags, next).map(Some)
    }

    /// All of them.
    pub(crate) async fn all(mut self) -> Result<Vec<String>, Fault> {
        let mut all = Vec::new();
        while let Some(page) = self.page().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

impl Progress {
    fn take(&mut self, tags: Vec<String>, next: Option<Continuation>) -> Result<Vec<String>, Fault> {
        let fresh: Vec<String> =
            tags.into_iter().filter(|tag| !tag.is_empty() && self.seen.insert(tag.clone())).collect();
        self.still = if fresh.is_empty() { self.still + 1 } else { 0 };
        let repeated = next.is_some() && next == self.next;
        if next.is_some() && ((repeated && fresh.is_empty()) || self.still >= STILL) {
            let text = "browseTags: the server goes on without another tag; nothing tells where the list ends";
            return Err(Fault::external("continuation-loop", text));
        }
        self.ended = next.is_none();
        self.next = next;
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(text: &str) -> Option<Continuation> {
        Continuation::of(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn a_listing_ends_where_the_server_says_so_and_holds_each_tag_once() {
        let mut progress = Progress::default();
        let page = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(progress.take(page(&["V.a", "V.b"]), next(r#""pathid=V\tindex=1""#)).unwrap(), ["V.a", "V.b"]);
        assert!(!progress.ended);
        assert_eq!(progress.take(page(&["V.b", "V.c"]), next("null")).unwrap(), ["V.c"]);
        assert!(progress.ended);
    }

    #[test]
    fn a_server_that_goes_round_in_circles_is_left() {
        let mut progress = Progress::default();
        assert!(progress.take(vec!["V.a".into()], next("\"1\"")).is_ok());
        assert_eq!(progress.take(vec![], next("\"1\"")).unwrap_err().code, "continuation-loop");
        let mut progress = Progress::default();
        let ended = (0..10).map(|page| progress.take(Vec::new(), next(&format!("\"{page}\"")))).find_map(Result::err);
        assert_eq!(ended.unwrap().code, "continuation-loop");
    }
}
