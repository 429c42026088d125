//! Many listings of one kind, each read to its end, a batch of pages at a time: the requests grow with the listings
//! divided by the size of a batch.

use std::collections::VecDeque;

use tidegate_sdk::{
    Fault,
    host::{self, Level},
};

use super::{Listed, listed, repeated, smaller};
use crate::{
    api::{Content, ListPage},
    batch::{Batch, Refusal, Reply, Sub, judge},
    identity::Identity,
};

/// Objects in a page: with a hundred pages in a batch, 20,000 objects in an answer at the very most.
const PAGE: usize = 200;

/// Listings under way.
#[derive(Debug)]
pub(crate) struct Crowd {
    batch: Batch,
    query: Vec<(&'static str, String)>,
    batch_size: usize,
    size: usize,
    open: VecDeque<Open>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Open {
    /// What the listing is of.
    owner: String,
    path: String,
    next: usize,
    /// The first object of its last page.
    last: Option<Identity>,
}

/// Objects by what they were listed of.
pub(crate) type Pages<T> = Vec<(String, Vec<T>)>;

impl Crowd {
    /// No listing yet; `query` without `startIndex` and `maxCount`.
    pub(crate) fn new(batch: Batch, batch_size: usize, query: Vec<(&'static str, String)>) -> Self {
        Self { batch, query, batch_size, size: PAGE, open: VecDeque::new() }
    }

    /// Adds `GET path`, which lists what `owner` holds.
    pub(crate) fn add(&mut self, owner: String, path: String) {
        self.open.push_back(Open { owner, path, next: 0, last: None });
    }

    /// One page of as many listings as a batch holds; `None` when all are at their end.
    pub(crate) async fn round<T: Listed>(&mut self) -> Result<Option<Pages<T>>, Fault> {
        while !self.open.is_empty() {
            let asked: Vec<Open> = self.open.drain(..self.batch_size.min(self.open.len())).collect();
            let subs: Vec<Sub> = asked.iter().map(|open| self.sub(open)).collect();
            let answer = match self.batch.ask(&subs).await {
                Ok(answer) => answer,
                Err(fault) => {
                    self.ease(asked, fault)?;
                    continue;
                }
            };
            let replies = self.batch.read::<Content<ListPage<T>>>(&answer, subs.len())?;
            return self.settle(asked, replies).map(Some);
        }
        Ok(None)
    }

    fn sub(&self, open: &Open) -> Sub {
        let mut query = self.query.clone();
        query.extend([("startIndex", open.next.to_string()), ("maxCount", self.size.to_string())]);
        Sub { method: "GET", path: open.path.clone(), query }
    }

    /// Half as many listings at once, where the server did not come to the end of so many.
    fn ease(&mut self, asked: Vec<Open>, fault: Fault) -> Result<(), Fault> {
        if !fault.asked_too_much() || self.batch_size == 1 {
            return Err(fault);
        }
        self.batch_size = self.batch_size.min(asked.len()).div_ceil(2);
        host::log(Level::Warn, &format!("{}; asking for {} at once from here on", fault.message, self.batch_size));
        self.open.extend(asked);
        Ok(())
    }

    fn settle<T: Listed>(
        &mut self,
        asked: Vec<Open>,
        replies: Vec<Option<Reply<Content<ListPage<T>>>>>,
    ) -> Result<Pages<T>, Fault> {
        let size = self.size;
        let mut pages = Vec::with_capacity(asked.len());
        for (mut open, reply) in asked.into_iter().zip(replies) {
            let page = match judge(&format!("GET {}", open.path), reply) {
                Ok(page) => page,
                Err(refusal) => {
                    self.shrink(size, refusal)?;
                    self.open.push_back(open);
                    continue;
                }
            };
            let Some(items) = page.items else {
                let text = format!("GET {}: an answer without Items proves nothing", open.path);
                return Err(Fault::external("items-missing", text));
            };
            listed::sound(&open.path, &items)?;
            let first = items.first().map(Listed::identity);
            if first.is_some() && first == open.last {
                return Err(repeated(&open.path));
            }
            let ended = items.is_empty() || (items.len() < size && page.links.next.is_none());
            let owner = open.owner.clone();
            open.next += items.len();
            open.last = first;
            if !ended {
                self.open.push_back(open);
            }
            pages.push((owner, items));
        }
        Ok(pages)
    }

    /// A server with a smaller limit refuses our page; anything else is a failure.
    fn shrink(&mut self, asked: usize, refusal: Refusal) -> Result<(), Fault> {
        let limit = smaller(asked, &refusal.fault).filter(|_| !refusal.fault.asked_too_much());
        self.size = self.size.min(limit.ok_or(refusal.fault)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::Named, batch::Dialect, batch::replies, server::Server};

    fn crowd(names: &[&str]) -> Crowd {
        let server = Server::new(&serde_json::from_str(r#"{"source":{"url":"https://h"}}"#).unwrap());
        let mut crowd = Crowd::new(Batch::new(&server, None), 10, Vec::new());
        crowd.size = 2;
        for name in names {
            crowd.add((*name).to_owned(), format!("/{name}"));
        }
        crowd
    }

    fn answer(crowd: &mut Crowd, text: &str) -> Result<Vec<(String, usize)>, Fault> {
        let asked: Vec<Open> = crowd.open.drain(..).collect();
        let replies = replies::<Content<ListPage<Named>>>(Dialect::Dictionary, text, asked.len()).unwrap();
        let pages = crowd.settle(asked, replies)?;
        Ok(pages.into_iter().map(|(owner, items)| (owner, items.len())).collect())
    }

    #[test]
    fn each_listing_goes_on_to_its_own_end() {
        let mut crowd = crowd(&["a", "b", "c"]);
        let text = r#"{"0":{"Status":200,"Content":{"Items":[{"WebId":"1"},{"WebId":"2"}]}},
            "1":{"Status":200,"Content":{"Items":[{"WebId":"3"}]}},
            "2":{"Status":200,"Content":{"Items":[{"WebId":"4"}],"Links":{"Next":"x"}}}}"#;
        assert_eq!(answer(&mut crowd, text).unwrap(), [("a".into(), 2), ("b".into(), 1), ("c".into(), 1)]);
        let next: Vec<(&str, usize)> = crowd.open.iter().map(|open| (open.owner.as_str(), open.next)).collect();
        assert_eq!(next, [("a", 2), ("c", 1)]);
        let repeats = r#"{"0":{"Status":200,"Content":{"Items":[{"WebId":"1"},{"WebId":"2"}]}},
            "1":{"Status":200,"Content":{"Items":[]}}}"#;
        assert_eq!(answer(&mut crowd, repeats).unwrap_err().code, "paging");
    }

    #[test]
    fn no_failure_passes_for_the_end_of_a_listing() {
        for (content, code) in [
            (r#"{"Status":403,"Content":{"Errors":["no"]}}"#, "http-403"),
            (r#"{"Status":200,"Content":{}}"#, "items-missing"),
            (
                r#"{"Status":200,"Content":{"Items":[{"WebId":"1"}],"WebException":{"StatusCode":500}}}"#,
                "web-exception",
            ),
            (r#"{"Status":200,"Content":{"Items":[{"WebId":"1"}],"Errors":["x"]}}"#, "answer-errors"),
        ] {
            assert_eq!(answer(&mut crowd(&["a"]), &format!(r#"{{"0":{content}}}"#)).unwrap_err().code, code);
        }
        assert_eq!(
            answer(&mut crowd(&["a", "b"]), r#"{"0":{"Status":200,"Content":{"Items":[]}}}"#).unwrap_err().code,
            "batch-missing"
        );
    }

    #[test]
    fn a_smaller_limit_is_learnt_and_the_page_asked_for_again() {
        let mut crowd = crowd(&["a"]);
        let text = r#"{"0":{"Status":400,"Content":{"Errors":["maxCount exceeds the limit (1)"]}}}"#;
        assert!(answer(&mut crowd, text).unwrap().is_empty());
        assert_eq!((crowd.size, crowd.open.len()), (1, 1));
    }
}
