//! Tags that an answer does not show although they were asked for: without samples, or gone?
//!
//! The documents leave open whether a tag without samples stands in an answer (§6.2), so that it is missing proves nothing.
//! `getTagContext` tells whether the server still knows the tag, and between which times its samples lie.

use std::collections::HashMap;

use tidegate_sdk::{Fault, Interval};

use crate::{api::Context, catalogue::contexts, pages::Doubt, server::Server, tag::Tag};

/// What is known of such tags in one window, by their places. What was true of the window before is not told again: a tag
/// may be deleted, and samples may arrive, while others are read.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    window: Option<Interval>,
    known: HashMap<usize, Result<Context, Fault>>,
}

impl Doubts {
    /// What each of `doubtful` is, seen from `window`.
    ///
    /// # Errors
    /// When the server cannot be asked about any of them.
    pub(super) async fn about(
        &mut self,
        server: &Server,
        tags: &[Tag],
        doubtful: Vec<usize>,
        window: Interval,
    ) -> Result<Vec<(usize, Doubt)>, Fault> {
        self.begin(window);
        let new = doubtful.iter().filter(|place| !self.known.contains_key(place));
        let asked: Vec<(usize, &str)> =
            new.filter_map(|place| Some((*place, tags.get(*place)?.path.as_str()))).collect();
        if !asked.is_empty() {
            let found = contexts(server, asked.iter().map(|(_, path)| *path)).await?;
            for (place, path) in asked {
                let context = match found.failed.get(path) {
                    Some(fault) => Err(fault.clone()),
                    None => Ok(found.contexts.get(path).cloned().unwrap_or_default()),
                };
                self.known.insert(place, context);
            }
        }
        let doubt = |place: usize| Some((place, judged(self.known.get(&place)?, tags.get(place)?, window)));
        Ok(doubtful.into_iter().filter_map(doubt).collect())
    }

    fn begin(&mut self, window: Interval) {
        if self.window.replace(window) != Some(window) {
            self.known.clear();
        }
    }
}

fn judged(known: &Result<Context, Fault>, tag: &Tag, window: Interval) -> Doubt {
    let context = match known {
        Ok(context) if context.is_known() => context,
        // No stored item is behind a calculated tag, and of one without samples the server has nothing else to say.
        Ok(_) if tag.id == tag.path => return Doubt::Possible,
        Ok(_) => return Doubt::Unknown,
        Err(fault) => return Doubt::Failed(fault.clone()),
    };
    let after = context.oldest().is_some_and(|oldest| oldest >= window.end);
    let before = context.latest().is_some_and(|latest| latest < window.start);
    if after || before { Doubt::Elsewhere } else { Doubt::Possible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_without_samples_only_where_the_server_knows_it() {
        let window = Interval::new(1_709_276_400_000_000_000, 1_709_280_000_000_000_000);
        let context = |oldest: &str, latest: &str| {
            Ok(Context {
                historian_item_id: Some("localhost.DS.Tag".into()),
                oldest_time_stamp: Some(oldest.into()),
                latest_time_stamp: Some(latest.into()),
                ..Context::default()
            })
        };
        let table = [
            (context("2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z"), Doubt::Possible),
            (context("2024-03-01T08:00:00Z", "2024-03-02T00:00:00Z"), Doubt::Elsewhere),
            (context("2024-02-01T08:00:00Z", "2024-03-01T06:59:59.9999999Z"), Doubt::Elsewhere),
            (context("2024-02-01T08:00:00Z", "2024-03-01T07:00:00Z"), Doubt::Possible),
            (context("0001-01-01T00:00:00", "0001-01-01T00:00:00"), Doubt::Possible),
            (Ok(Context::default()), Doubt::Unknown),
        ];
        let stored = Tag { id: "localhost.DS.Tag".into(), path: "V.DS.Tag".into(), units: None };
        for (known, expected) in table {
            assert_eq!(judged(&known, &stored, window), expected, "{known:?}");
        }
        let fault = Fault::external("canary-errors", "x");
        assert_eq!(judged(&Err(fault.clone()), &stored, window), Doubt::Failed(fault));
        let calculated = Tag { id: "V.DS.Tag".into(), ..stored };
        assert_eq!(judged(&Ok(Context::default()), &calculated, window), Doubt::Possible);
    }

    #[test]
    fn what_is_known_of_a_tag_is_good_for_one_window() {
        let mut doubts = Doubts::default();
        doubts.begin(Interval::new(0, 1_000));
        doubts.known.insert(0, Ok(Context::default()));
        doubts.begin(Interval::new(0, 1_000));
        assert_eq!(doubts.known.len(), 1);
        doubts.begin(Interval::new(1_000, 2_000));
        assert!(doubts.known.is_empty());
    }
}
