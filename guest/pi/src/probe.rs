//! One small batch that shows how a server wants its batches, and how many events it allows in a page.
//!
//! Asked once a run, so that the partitions, which know nothing of each other, need not each find out by failing.

use tidegate_sdk::{Fault, Interval, host, host::Level};

use crate::{
    api::{Content, Recorded},
    batch::{Batch, Dialect, Refusal, judge},
    pages::Ask,
    read::{limit_in, recorded},
    tag::{Detail, Tag},
};

/// An instant at which hardly any archive holds an event: 2000-01-01T00:00:00Z.
const QUIET: i64 = 946_684_800_000_000_000;

/// What was found out; nothing where the server would not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) dialect: Option<Dialect>,
    pub(crate) limit: Option<usize>,
}

/// Asks for nothing, but for as much of it as a page may hold. A failure here fails nothing: reading finds out the same
/// by itself, later and at a price.
pub(crate) async fn batch(batch: &mut Batch, web_id: &str, max_count: usize) -> Known {
    match page(batch, web_id, max_count).await {
        Ok(Ok(())) => Known { dialect: Some(batch.dialect()), limit: None },
        Ok(Err(refusal)) => Known { dialect: Some(batch.dialect()), limit: limit_of(&refusal) },
        Err(fault) => {
            host::log(Level::Warn, &format!("the probe of POST /batch failed: {}", fault.message));
            Known::default()
        }
    }
}

/// The probe itself: an answer, a refusal inside the batch, or a failure of the batch.
pub(crate) async fn page(batch: &mut Batch, web_id: &str, count: usize) -> Result<Result<(), Refusal>, Fault> {
    let tag = Tag { id: web_id.to_owned(), name: String::new(), detail: Detail::default() };
    let ask = Ask { tag: 0, interval: Interval::new(QUIET, QUIET + 1_000), count };
    let answer = batch.ask(&[recorded(&tag, &ask)]).await?;
    let reply = batch.read::<Content<Recorded<'_>>>(&answer, 1)?.pop().flatten();
    Ok(judge("recorded values", reply).map(|_| ()))
}

/// The server's own limit, where this is what it refused.
pub(crate) fn limit_of(refusal: &Refusal) -> Option<usize> {
    if refusal.status == Some(400) { limit_in(&refusal.said).flatten() } else { None }
}
