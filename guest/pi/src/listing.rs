//! Listings that a server hands out page by page, read to their true end.
//!
//! A page may be shorter than asked for although more follows, `Links.Next` may be missing although more follows, and
//! a set that changes meanwhile may show an object twice: so the end is an empty page, or a short one without `Next`,
//! and objects are told apart by identity.

use std::collections::HashSet;

use serde::{Deserialize, de::DeserializeOwned};
use tidegate_sdk::{Fault, Retry};

use crate::{api::Page, read::limit_in, server::Server};

/// Objects in a page: half the usual site in one request, and far below the usual limit of 150,000.
const PAGE: usize = 5_000;

/// A listing under way.
#[derive(Debug)]
pub(crate) struct Listing<'a> {
    server: &'a Server,
    path: String,
    query: Vec<(&'a str, String)>,
    next: usize,
    size: usize,
    seen: HashSet<String>,
    ended: bool,
}

/// What has an identity within a listing.
pub(crate) trait Listed: DeserializeOwned {
    /// Equal for the same object.
    fn identity(&self) -> String;
}

impl Listed for crate::api::Point {
    /// The number is unique in a data server, the name part of a WebId is not stable.
    fn identity(&self) -> String {
        self.id.map_or_else(|| self.web_id.clone(), |id| id.to_string())
    }
}

impl Listed for crate::api::Named {
    fn identity(&self) -> String {
        self.web_id.clone()
    }
}

impl<'a> Listing<'a> {
    /// Lists what `GET path` holds; `query` without `startIndex` and `maxCount`.
    pub(crate) fn new(server: &'a Server, path: String, query: Vec<(&'a str, String)>) -> Self {
        Self { server, path, query, next: 0, size: PAGE, seen: HashSet::new(), ended: false }
    }

    /// The next page without what was seen before; `None` at the end.
    pub(crate) async fn page<T: Listed>(&mut self) -> Result<Option<Vec<T>>, Fault> {
        while !self.ended {
            let (start, size) = (self.next.to_string(), self.size.to_string());
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
        let length = page.items.len();
        self.next += length;
        self.ended = length == 0 || (length < self.size && page.links.next.is_none());
        let fresh: Vec<T> = page.items.into_iter().filter(|item| self.seen.insert(item.identity())).collect();
        if length > 0 && fresh.is_empty() && !self.ended {
            let text =
                format!("GET {}: the server repeats a page instead of going on; the listing is not whole", self.path);
            return Err(Fault::external("paging", text));
        }
        Ok((length > 0).then_some(fresh))
    }

    /// A server with a smaller limit refuses our page; anything else is a failure.
    fn shrink(&mut self, fault: Fault) -> Result<(), Fault> {
        let limit =
            (fault.code == "http-400" && fault.retry == Retry::Never).then(|| limit_in(&fault.message)).flatten();
        let Some(limit) = limit else {
            return Err(fault);
        };
        let smaller = limit.filter(|limit| *limit > 0 && *limit < self.size).unwrap_or(self.size / 2);
        if smaller == 0 {
            return Err(fault);
        }
        self.size = smaller;
        Ok(())
    }
}

/// A list that servers do not page.
#[derive(Debug, Deserialize)]
pub(crate) struct Whole<T> {
    #[serde(rename = "Items")]
    pub(crate) items: Vec<T>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Links, Named};

    fn listing(server: &Server, size: usize) -> Listing<'_> {
        let mut listing = Listing::new(server, "/x".into(), Vec::new());
        listing.size = size;
        listing
    }

    fn page(ids: &[u32], next: bool) -> Page<Named> {
        let items = ids.iter().map(|id| Named { web_id: id.to_string(), ..Named::default() });
        Page { items: items.collect(), links: Links { next: next.then(|| "https://h/next".into()) } }
    }

    fn server() -> Server {
        Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h"}}"#).unwrap())
    }

    #[test]
    fn a_short_page_with_a_next_link_is_not_the_end() {
        let server = server();
        let mut listing = listing(&server, 3);
        assert_eq!(listing.accept(page(&[1, 2], true)).unwrap().unwrap().len(), 2);
        assert!(!listing.ended && listing.next == 2);
        assert_eq!(listing.accept(page(&[2, 3, 4], false)).unwrap().unwrap().len(), 2);
        assert!(!listing.ended, "a full page without a link may have a successor");
        assert!(listing.accept(page(&[], false)).unwrap().is_none());
        assert!(listing.ended);
    }

    #[test]
    fn a_short_page_without_a_next_link_is_the_end() {
        let server = server();
        let mut listing = listing(&server, 3);
        assert_eq!(listing.accept(page(&[1, 2], false)).unwrap().unwrap().len(), 2);
        assert!(listing.ended);
    }

    #[test]
    fn a_server_that_repeats_itself_is_an_error_and_no_endless_loop() {
        let server = server();
        let mut listing = listing(&server, 2);
        listing.accept(page(&[1, 2], true)).unwrap();
        assert_eq!(listing.accept(page(&[1, 2], true)).unwrap_err().code, "paging");
    }

    #[test]
    fn a_smaller_limit_is_learnt() {
        let server = server();
        let mut listing = listing(&server, 5_000);
        let text = "Parameter 'maxCount' is greater than the maximum allowed (1000)";
        listing.shrink(Fault::status(400, "GET /x", text)).unwrap();
        assert_eq!(listing.size, 1_000);
        assert_eq!(listing.shrink(Fault::status(403, "GET /x", text)).unwrap_err().code, "http-403");
    }
}
