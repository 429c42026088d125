//! The request for a page of recorded values, and the server's words about its size.

use tidegate_sdk::time::format_instant;

use crate::{batch::Sub, pages::Ask, tag::Tag};

/// PI counts in ticks of 100 ns.
const TICK: i64 = 100;

/// Only what a row is made of, and everything in which a failure shows: a selection that leaves `WebException` out
/// would let half an answer pass for a whole one.
const FIELDS: &str = "Items.Timestamp;Items.Value;Items.Good;Items.Questionable;Items.Substituted;Items.Annotated;\
                      Items.UnitsAbbreviation;Items.Errors;WebException;Errors;Message";

/// `GET /streams/{webId}/recorded` for a page.
///
/// `Inside` includes both ends while our interval leaves its end out, hence one tick less. The times carry `Z`:
/// without it the server takes them for its local time.
pub(crate) fn recorded(tag: &Tag, ask: &Ask) -> Sub {
    Sub {
        method: "GET",
        path: tag.recorded(),
        query: vec![
            ("startTime", format_instant(ask.interval.start)),
            ("endTime", format_instant(ask.interval.end.saturating_sub(TICK))),
            ("boundaryType", "Inside".to_owned()),
            ("maxCount", ask.count.to_string()),
            ("selectedFields", FIELDS.to_owned()),
        ],
    }
}

/// Whether a refusal with status 400 is about `maxCount`, and if so, the limit that it names.
pub(crate) fn limit_in(said: &str) -> Option<Option<usize>> {
    let text = said.to_ascii_lowercase();
    let about_count = text.contains("maxcount") || text.contains("max count");
    let about_size =
        ["greater", "maximum", "exceed", "limit", "larger", "too many"].iter().any(|word| text.contains(word));
    if !(about_count && about_size) {
        return None;
    }
    let in_parentheses = text.rsplit('(').find_map(|tail| {
        let digits: String =
            tail.split(')').next()?.chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\u{a0}')).collect();
        digits.parse().ok()
    });
    Some(in_parentheses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::Detail;
    use tidegate_sdk::Interval;

    #[test]
    fn a_page_asks_for_a_closed_interval_that_leaves_our_end_out() {
        let tag = Tag { id: "F1DP a".into(), name: "A".into(), detail: Detail::default() };
        let interval = Interval::new(1_709_276_400_445_999_000, 1_709_280_000_000_000_000);
        let sub = recorded(&tag, &Ask { tag: 0, interval, count: 400 });
        assert_eq!(sub.path, "/streams/F1DP%20a/recorded");
        let expected = [
            ("startTime", "2024-03-01T07:00:00.445999Z"),
            ("endTime", "2024-03-01T07:59:59.9999999Z"),
            ("boundaryType", "Inside"),
            ("maxCount", "400"),
        ];
        for (at, (key, value)) in expected.into_iter().enumerate() {
            assert_eq!(sub.query.get(at).map(|(key, value)| (*key, value.as_str())), Some((key, value)));
        }
    }

    #[test]
    fn a_limit_is_read_from_the_servers_words() {
        let table = [
            ("Parameter 'maxCount' is greater than the maximum allowed (150000).", Some(Some(150_000))),
            ("The MaxCount exceeds the limit (1,500)", Some(Some(1_500))),
            ("maxCount is larger than allowed", Some(None)),
            ("Parameter 'maxCount' is not a number", None),
            ("The specified WebId is invalid (150000)", None),
            ("", None),
        ];
        for (said, expected) in table {
            assert_eq!(limit_in(said), expected, "{said}");
        }
    }
}
