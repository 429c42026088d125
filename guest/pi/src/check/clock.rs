//! Whether the server's clock and ours agree: the host decides by its own up to when to read.

use tidegate_sdk::{Finding, Instant, time::parse_instant};

/// Further apart than this, in nanoseconds, clocks are worth a word.
const TOLERANCE: i64 = 5_000_000_000;

const ASK: &str = "have the clocks of both machines synchronised (NTP)";

/// What `told`, the time of the server when ours was `ours`, means.
pub(super) fn judge(told: Option<&str>, ours: Instant) -> Finding {
    let Some(theirs) = told.and_then(|told| parse_instant(told).ok()) else {
        let advice = "compare the clocks of both machines by hand; a run reads up to the time of this one";
        return Finding::warning("clock", "the server does not tell its time".to_owned(), advice);
    };
    let ahead = theirs.saturating_sub(ours);
    let seconds = ahead.saturating_abs() / 1_000_000_000;
    if ahead.saturating_abs() <= TOLERANCE {
        return Finding::ok("clock", format!("the server's and ours are {seconds} s apart"));
    }
    if ahead < 0 {
        let text = format!(
            "the server's clock is {seconds} s behind ours: a cursor passes over time in which the server still writes, \
             and only ingestion.lookback finds these events"
        );
        return Finding::warning("clock", text, ASK);
    }
    let text =
        format!("the server's clock is {seconds} s ahead of ours: its newest {seconds} s are left to the next run");
    Finding::warning("clock", text, ASK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Outcome;

    #[test]
    fn clocks_that_differ_are_told_with_what_it_does_to_cursors() {
        let ours = parse_instant("2024-03-01T07:00:00Z").unwrap();
        let table = [
            (Some("2024-03-01T07:00:04.9Z"), Outcome::Ok, "4 s"),
            (Some("2024-03-01T06:59:20Z"), Outcome::Warning, "lookback"),
            (Some("2024-03-01T07:02:00Z"), Outcome::Warning, "120 s ahead"),
            (Some("soon"), Outcome::Warning, "does not tell"),
            (None, Outcome::Warning, "does not tell"),
        ];
        for (told, outcome, said) in table {
            let finding = judge(told, ours);
            assert_eq!(finding.outcome as u8, outcome as u8, "{told:?}");
            assert!(finding.detail.contains(said), "{}", finding.detail);
        }
    }
}
