//! What must hold of every page of a listing, whatever the server writes into it.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use tidegate_sdk::{
    http::Response,
    testing::{changed, cut},
};

use super::{Listed, Listing, Whole};
use crate::{
    api::{
        Attribute, Content, DataServer, Element, Fields, Frame, ListPage, Named, Page, Point, Status, System, UserInfo,
    },
    attributes,
    batch::{Dialect, judge, replies},
    fuzzing::server,
    web_id,
};

/// Pages of one listing that shows the same page again and again, until that is found out.
const REPEATS: usize = 4;

/// One answer: a byte each for what is listed and the page size, two for where it is cut, two and a mask for the byte
/// that changes, and the body.
pub(crate) fn listings(data: &[u8]) {
    let Some(([kind, size, c0, c1, p0, p1, mask], body)) = data.split_first_chunk::<7>() else { return };
    let input = Input { body, size: usize::from(*size).max(1), cut: [*c0, *c1], place: [*p0, *p1], mask: *mask };
    match kind % 8 {
        0 => input.pages::<Point>(|_| {}),
        1 => input.pages::<Named>(|_| {}),
        2 => input.pages::<Element>(|element| {
            let _ = (web_id::object(&element.web_id), web_id::alike(&element.web_id, &element.web_id));
        }),
        3 => input.pages::<Attribute>(|attribute| {
            let _ = attributes::link(attribute);
        }),
        4 => input.pages::<Frame>(|_| {}),
        5 => input.single::<Whole<DataServer>>(),
        6 => match size % 3 {
            0 => input.single::<Status>(),
            1 => input.single::<System>(),
            _ => input.single::<UserInfo>(),
        },
        _ => input.in_a_batch(),
    }
}

struct Input<'a> {
    body: &'a [u8],
    size: usize,
    cut: [u8; 2],
    place: [u8; 2],
    mask: u8,
}

impl Input<'_> {
    fn pages<T: Listed>(&self, look: fn(&T)) {
        if !self.list(self.body, look) {
            return;
        }
        if let Some(prefix) = cut(self.body, self.cut) {
            assert!(!self.list(prefix, look), "a listing that is cut off passed for a whole one");
        }
        self.list(&changed(self.body, self.place, self.mask), look);
    }

    /// Reads the listing of a server that shows one page whatever it is asked. Whether it is a page at all.
    fn list<T: Listed>(&self, body: &[u8], look: fn(&T)) -> bool {
        let (server, answer) = (server(), answer(body));
        let mut listing = Listing::new(&server, "/x".to_owned(), Vec::new()).pages_of(self.size);
        let mut seen = HashSet::new();
        for _ in 0..REPEATS {
            let Ok(page) = crate::server::decoded::<Page<T>>("GET /x", &answer) else { return false };
            let all: HashSet<_> = page.items.iter().map(Listed::identity).collect();
            match listing.accept(page) {
                Ok(Some(fresh)) => {
                    for item in &fresh {
                        look(item);
                        assert!(seen.insert(item.identity()), "an object is listed twice");
                        assert!(item.problem().is_none(), "a sick object is listed");
                    }
                    assert_eq!(seen, all, "objects of the page are left out");
                }
                Ok(None) => {
                    assert!(all.is_empty() && listing.ended, "the end of a page that holds objects");
                    return true;
                }
                Err(_) => return true,
            }
            if listing.ended {
                return true;
            }
        }
        assert!(listing.ended, "one page is asked for again and again");
        true
    }

    fn single<T: DeserializeOwned>(&self) {
        if crate::server::decoded::<T>("GET /x", &answer(self.body)).is_err() {
            return;
        }
        if let Some(prefix) = cut(self.body, self.cut) {
            let whole = crate::server::decoded::<T>("GET /x", &answer(prefix));
            assert!(whole.is_err(), "an answer that is cut off passed for a whole one");
        }
    }

    /// Pages of many listings in one answer, and single objects in one.
    fn in_a_batch(&self) {
        let Ok(text) = std::str::from_utf8(self.body) else { return };
        let dialect = if self.size.is_multiple_of(2) { Dialect::Dictionary } else { Dialect::List };
        let count = 1 + self.size % 3;
        let read = |text: &str| {
            let fields = replies::<Content<Fields>>(dialect, text, count);
            for reply in fields.into_iter().flatten() {
                let _ = judge("GET /x", reply);
            }
            let pages = replies::<Content<ListPage<Point>>>(dialect, text, count)?;
            assert_eq!(pages.len(), count, "one place for each request");
            Ok::<_, tidegate_sdk::Fault>(pages.into_iter().filter_map(|page| judge("GET /x", page).ok()).count())
        };
        if read(text).is_ok()
            && let Some(prefix) = cut(self.body, self.cut).and_then(|prefix| std::str::from_utf8(prefix).ok())
        {
            assert!(read(prefix).is_err(), "a batch that is cut off passed for a whole one");
        }
    }
}

fn answer(body: &[u8]) -> Response {
    Response::new("GET /x", 200, body.to_vec())
}
