//! Stream Updates (protocol reference §7): what the server changed since a marker, as hints of what to read again.
//!
//! What is announced are snapshots before compression, so no row comes from here. The marker of each tag is its bookmark.
//! A tag without one, or whose marker the server has forgotten, is signed up anew, before anything is read: what happens
//! from then on is announced, and what happened before is found by the look-back.

mod bookmark;
mod digest;

use tidegate_sdk::{
    Bookmarked, Change, Fault, Series,
    host::{self, Level},
    http::push_encoded,
};

use self::bookmark::Bookmark;
use self::digest::{Retrieved, SignedUp, retrieved, signed_up};
use crate::{
    batch::{Batch, Sub},
    server::Server,
    settings::Settings,
    tag::Tag,
};

/// Everything in which a failure shows, and of an event only when and how: its value is read from the archive.
const FIELDS: &str = "LatestMarker;Exception;Events.Timestamp;Events.Action;Events.PreviousEventAction;\
                      WebException;Errors;Message";

/// What has happened to each series; those left out have no bookmark.
///
/// Requests grow with tags ÷ `batch_size`: `GET /streamsets/updates` would take a marker of 35 characters per tag in one
/// URL, and one lost marker would fail them all.
pub(crate) async fn changes(settings: &Settings, series: Vec<Bookmarked>) -> Result<Vec<Change>, Fault> {
    if !settings.ingestion.uses_updates() {
        return Ok(Vec::new());
    }
    let known = series.first().map(|it| Tag::of(&it.series).detail).unwrap_or_default();
    let size = settings.performance.batch_size;
    let mut asking =
        Asking { batch: Batch::new(&Server::new(settings), known.dialect), changes: Vec::new(), answers: true };
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for Bookmarked { series, bookmark } in series {
        match Bookmark::parse(&bookmark) {
            Some(bookmark) => known.push((series, bookmark)),
            None => new.push(series),
        }
    }
    for chunk in known.chunks(size) {
        if !asking.answers {
            asking.keep(chunk);
        } else if let Err(fault) = asking.retrieve(chunk, &mut new).await {
            asking.stop(&fault)?;
            asking.keep(chunk);
        }
    }
    for chunk in new.chunks(size) {
        if !asking.answers {
            break;
        }
        if let Err(fault) = asking.sign_up(chunk).await {
            asking.stop(&fault)?;
        }
    }
    Ok(asking.changes)
}

struct Asking {
    batch: Batch,
    changes: Vec<Change>,
    /// Whether it makes sense to ask on.
    answers: bool,
}

impl Asking {
    /// Nothing more is asked: a server in trouble is not asked for hints. Markers that were not asked for stay good.
    fn stop(&mut self, fault: &Fault) -> Result<(), Fault> {
        self.answers = false;
        if fault.code == "http-401" {
            return Err(fault.clone());
        }
        host::log(Level::Warn, &format!("stream updates are left out of this run: {}", fault.message));
        Ok(())
    }

    /// No news of these, and their markers as they were.
    fn keep(&mut self, chunk: &[(Series, Bookmark)]) {
        let kept = chunk.iter().map(|(series, old)| Change {
            series: series.id.clone(),
            bookmark: old.to_string(),
            dirty: Vec::new(),
            complete: false,
        });
        self.changes.extend(kept);
    }

    /// Asks for what happened since these markers; series whose marker is lost go to `lost`.
    async fn retrieve(&mut self, chunk: &[(Series, Bookmark)], lost: &mut Vec<Series>) -> Result<(), Fault> {
        let subs: Vec<Sub> = chunk.iter().map(|(_, old)| retrieval(&old.marker)).collect();
        let answer = self.batch.ask(&subs).await?;
        for ((series, old), reply) in chunk.iter().zip(self.batch.read(&answer, chunk.len())?) {
            let (bookmark, dirty, complete) = match retrieved(old, reply) {
                Retrieved::News { bookmark, dirty, complete } => (bookmark.to_string(), dirty, complete),
                Retrieved::Unanswered => (old.to_string(), Vec::new(), false),
                Retrieved::Lost(why) => {
                    host::log(Level::Debug, &format!("{}: {why}; signing up again", series.name));
                    lost.push(series.clone());
                    continue;
                }
            };
            self.changes.push(Change { series: series.id.clone(), bookmark, dirty, complete });
        }
        Ok(())
    }

    /// Signs these up. Where the server knows no updates at all, no further one is tried.
    async fn sign_up(&mut self, chunk: &[Series]) -> Result<(), Fault> {
        let subs: Vec<Sub> = chunk.iter().map(|series| signing_up(&series.id)).collect();
        let answer = self.batch.ask(&subs).await?;
        let mut offered = false;
        for (series, reply) in chunk.iter().zip(self.batch.read(&answer, chunk.len())?) {
            match signed_up(reply) {
                SignedUp::At(bookmark) => {
                    offered = true;
                    let (series, bookmark) = (series.id.clone(), bookmark.to_string());
                    self.changes.push(Change { series, bookmark, dirty: Vec::new(), complete: false });
                }
                SignedUp::Refused(why) => {
                    offered = true;
                    host::log(Level::Debug, &format!("{}: no stream updates: {why}", series.name));
                }
                SignedUp::Unknown => {}
            }
        }
        if !offered {
            host::log(Level::Debug, "this server has no stream updates");
            self.answers = false;
        }
        Ok(())
    }
}

/// `GET /streams/updates/{marker}`.
fn retrieval(marker: &str) -> Sub {
    let mut path = String::from("/streams/updates/");
    push_encoded(&mut path, marker);
    Sub { method: "GET", path, query: vec![("selectedFields", FIELDS.to_owned())] }
}

/// `POST /streams/{webId}/updates`.
fn signing_up(web_id: &str) -> Sub {
    let mut path = String::from("/streams/");
    push_encoded(&mut path, web_id);
    path.push_str("/updates");
    Sub { method: "POST", path, query: Vec::new() }
}
