//! The request for counts of one tag. Which events on a boundary belong to which interval differs between one interval and
//! several, so each request is put in a way that leaves no doubt (AVEVA, calculation basis):
//!
//! - One interval includes both of its ends: our end is left out by asking for one tick less.
//! - Of several, in ascending order, each includes its start and not its end: one more interval is asked for and not
//!   counted, so that the end of the last that counts is a start too.

use tidegate_sdk::{Interval, buckets::Buckets, time::format_instant};

use super::SECOND;
use crate::{batch::Sub, tag::Tag};

/// PI counts in ticks of 100 ns.
const TICK: i64 = 100;

/// Only the figures, and everything in which a failure shows.
const FIELDS: &str = "Items.Type;Items.Errors;Items.Value.Timestamp;Items.Value.Value;Items.Value.Good;\
                      Items.Value.Errors;WebException;Errors;Message";

/// `GET /streams/{webId}/summary`.
///
/// The width is given in seconds: in days it would follow the server's clock on the wall, and two days of a year would
/// have 23 or 25 hours.
pub(super) fn request(asked: &Buckets, tag: &Tag) -> Sub {
    let Interval { start, end } = asked.interval;
    let end = match asked.width {
        Some(_) => end.saturating_add(SECOND),
        None => end.saturating_sub(TICK),
    };
    let mut query = vec![
        ("startTime", format_instant(start)),
        ("endTime", format_instant(end)),
        ("summaryType", "Count".to_owned()),
        ("calculationBasis", "EventWeighted".to_owned()),
        ("timeType", "EarliestTime".to_owned()),
        ("selectedFields", FIELDS.to_owned()),
    ];
    query.extend(asked.width.map(|width| ("summaryDuration", format!("{}s", width / SECOND))));
    Sub { method: "GET", path: tag.summary(), query }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::Detail;
    use tidegate_sdk::Interval;

    #[test]
    fn a_boundary_belongs_to_one_bucket_only() {
        let tag = Tag { id: "F1DP".into(), name: "A".into(), detail: Detail::default() };
        let sent = |asked: Buckets, key: &str| {
            let sub = request(&asked, &tag);
            assert_eq!(sub.path, "/streams/F1DP/summary");
            sub.query.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
        };
        let day = 86_400 * SECOND;
        let days = || Buckets { span: 0, interval: Interval::new(0, 2 * day), width: Some(day) };
        assert_eq!(sent(days(), "endTime").unwrap(), "1970-01-03T00:00:01Z");
        assert_eq!(sent(days(), "summaryDuration").unwrap(), "86400s");
        let piece = || Buckets { span: 0, interval: Interval::new(0, day), width: None };
        assert_eq!(sent(piece(), "endTime").unwrap(), "1970-01-01T23:59:59.9999999Z");
        assert_eq!(sent(piece(), "summaryDuration"), None);
    }
}
