//! One slice of one database: listed, filled with values, handed over.

use tidegate_sdk::{
    Fault, Interval, host,
    http::encode,
    ipc,
    slices::Slice,
    tables::event_frames::{FrameRow, batch},
};

use super::{
    TARGET,
    list::{Found, Outcome, query, raw},
    proof,
    rows::row,
    values::{Attributes, Values},
};
use crate::{api::Frame, listing::Listing, server::Server};

/// What is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) server: &'a Server,
    pub(super) table: &'a str,
    /// The WebId of the database.
    pub(super) database: &'a str,
    /// Only frames of these templates; of all, if there are none.
    pub(super) templates: &'a [String],
}

impl Attempt<'_> {
    /// Lists a slice to its end, one listing for each template. Gives it up where a shorter one is better, if it
    /// `can_be_cut`: when it holds too much, or takes pages that cannot be told to fit together.
    pub(super) async fn frames(&self, slice: &Slice, can_be_cut: bool) -> Result<Outcome, Fault> {
        let mut found = Found::default();
        let named = self.templates.iter().map(|template| Some(template.as_str()));
        let any = self.templates.is_empty().then_some(None);
        for template in named.chain(any) {
            let path = format!("/assetdatabases/{}/eventframes", encode(self.database));
            let mut listing = Listing::new(self.server, path, query(slice, template)).pages_of(TARGET).unyielding();
            while let Some(page) = listing.page::<Frame>().await? {
                found.take(page, slice);
                if can_be_cut && found.is_too_much(slice) {
                    return Ok(Outcome::TooMany);
                }
            }
            // Frames that begin at the same time stand in no certain order, so pages may overlap.
            match listing.has_shifted() || listing.is_torn() {
                true if can_be_cut => return Ok(Outcome::TooMany),
                true => return Err(shifted()),
                false => {}
            }
        }
        Ok(Outcome::Whole(found))
    }

    /// Hands over the frames of a slice with their values, and covers it. All at once: rows and proof are one.
    pub(super) async fn deliver(&self, slice: &Slice, found: Found, values: &mut Values) -> Result<(), Fault> {
        let ids: Vec<&str> = found.frames.iter().map(|(frame, _)| frame.web_id.as_str()).collect();
        let attributes = values.of(&ids).await?;
        let mut rows: Vec<FrameRow> = Vec::with_capacity(found.frames.len());
        let mut rejects: Vec<(String, String)> =
            found.rejects.into_iter().map(|(raw, reason)| (raw, reason.to_owned())).collect();
        for ((frame, life), attributes) in found.frames.into_iter().zip(attributes) {
            let attributes = match attributes {
                Attributes::Gone => continue,
                Attributes::Read(values) => Some(values),
                Attributes::Partly(values, fault) => {
                    rejects.push((raw(&frame), format!("an attribute is NULL: {}", fault.message)));
                    Some(values)
                }
                Attributes::Unreadable(fault) => {
                    rejects.push((raw(&frame), format!("event_attributes is NULL: {}", fault.message)));
                    None
                }
            };
            rows.push(row(frame, life, attributes, self.database));
        }
        self.hand_over(slice.interval, &rows, &rejects)
    }

    /// Rejects go first: if the run ends in between, a reject noted twice is better than one never noted.
    fn hand_over(&self, interval: Interval, rows: &[FrameRow], rejects: &[(String, String)]) -> Result<(), Fault> {
        for (raw, reason) in rejects {
            host::reject(self.table, self.database, raw, reason);
        }
        let proof = proof(self.database, interval);
        if rows.is_empty() {
            host::covered(self.table, &proof);
        } else {
            host::emit(self.table, &ipc::batch(&batch(rows)?)?, &proof);
        }
        Ok(())
    }
}

fn shifted() -> Fault {
    let text = "the list of event frames changed while it was read, page by page; it is read again later";
    Fault::external("paging", text)
}
