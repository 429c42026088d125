//! The bookmark of a tag as the host keeps it: the server's marker, and the newest value announced so far.

use std::fmt;

use tidegate_sdk::Instant;

/// Where a tag stands in its updates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bookmark {
    /// `<32 hex>_<n>`; n counts events.
    pub(super) marker: String,
    /// When the newest value announced so far was. It may be a snapshot that the next value discards.
    pub(super) newest: Option<Instant>,
}

impl Bookmark {
    /// Reads what [`fmt::Display`] wrote; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (marker, newest) = match text.split_once(' ') {
            Some((marker, newest)) => (marker, Some(newest.parse().ok()?)),
            None => (text, None),
        };
        (!marker.is_empty()).then(|| Self { marker: marker.to_owned(), newest })
    }

    /// How many events lie between this marker and a later one of the same signup; `None` where they do not tell.
    pub(super) fn events_until(&self, later: &str) -> Option<usize> {
        let (old, from) = self.marker.rsplit_once('_')?;
        let (new, to) = later.rsplit_once('_')?;
        if old != new {
            return None;
        }
        to.parse::<usize>().ok()?.checked_sub(from.parse().ok()?)
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.newest {
            Some(newest) => write!(f, "{} {newest}", self.marker),
            None => f.write_str(&self.marker),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_comes_back_as_it_went() {
        for newest in [None, Some(-5), Some(1_709_276_400_000_000_000)] {
            let bookmark = Bookmark { marker: "0cbbec466f3a42288c8c47112f54b852_12".into(), newest };
            assert_eq!(Bookmark::parse(&bookmark.to_string()), Some(bookmark));
        }
        for text in ["", " 5", "a_1 x"] {
            assert_eq!(Bookmark::parse(text), None, "{text}");
        }
    }

    #[test]
    fn markers_of_one_signup_tell_how_many_events_lie_between() {
        let bookmark = Bookmark { marker: "ab_3".into(), newest: None };
        let until = |later| bookmark.events_until(later);
        assert_eq!((until("ab_3"), until("ab_12")), (Some(0), Some(9)));
        assert_eq!((until("ab_2"), until("cd_9"), until("ab"), until("ab_x")), (None, None, None, None));
    }
}
