//! The life of a gap.

use tidegate_model::{Domain, Fault, Retry};

use super::*;
use crate::testing::{lake, micros};

const T: &str = "x_events";

fn run(n: i64) -> RunStamp {
    RunStamp { at: Instant::from_micros(n) }
}

fn gap(series: &str, interval: Option<Interval>, code: &str) -> (String, Gap) {
    let fault = Fault { domain: Domain::External, retry: Retry::Later, code: code.into(), message: "m".into() };
    (T.into(), Gap { series: series.into(), interval, fault })
}

fn cover(series: &str, interval: Interval) -> (String, Cover) {
    (T.into(), Cover { series: series.into(), interval })
}

#[tokio::test]
async fn a_gap_is_seen_tried_again_grown_cut_and_resolved_as_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let steps: Vec<(Observation, Option<Interval>, i32, bool)> = vec![
        (
            Observation { open: vec![gap("a", Some(micros(10, 20)), "http-503")], ..Default::default() },
            Some(micros(10, 20)),
            1,
            false,
        ),
        (
            Observation {
                open: vec![gap("a", Some(micros(10, 20)), "http-503"), gap("a", Some(micros(20, 30)), "cut-body")],
                ..Default::default()
            },
            Some(micros(10, 30)),
            2,
            false,
        ),
        (
            Observation { covered: vec![cover("a", micros(0, 15))], ..Default::default() },
            Some(micros(15, 30)),
            2,
            false,
        ),
        (
            Observation { covered: vec![cover("b", micros(0, 99))], ..Default::default() },
            Some(micros(15, 30)),
            2,
            false,
        ),
        (
            Observation { covered: vec![cover("a", micros(20, 30)), cover("a", micros(14, 20))], ..Default::default() },
            Some(micros(15, 30)),
            2,
            true,
        ),
    ];
    for (n, (observation, interval, attempts, resolved)) in steps.into_iter().enumerate() {
        let mut ledger = lake.gaps().await.unwrap();
        ledger.observe(run(n as i64), observation);
        ledger.save().await.unwrap();
        let rows = lake.gaps().await.unwrap().rows().to_vec();
        assert_eq!(rows.len(), 1, "step {n}");
        let row = &rows[0];
        assert_eq!((row.interval, row.attempts, row.resolved_at.is_some()), (interval, attempts, resolved), "step {n}");
        assert_eq!((row.first_seen, row.table.as_str()), (run(0).at, T));
    }
    // The same interval lost again is a new gap: the old one was resolved.
    let mut ledger = lake.gaps().await.unwrap();
    ledger.observe(run(9), Observation { open: vec![gap("a", Some(micros(15, 30)), "late")], ..Default::default() });
    ledger.save().await.unwrap();
    let rows = lake.gaps().await.unwrap().rows().to_vec();
    assert_eq!(rows.iter().map(|row| row.attempts).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(rows[1].reason, "late");
}

#[tokio::test]
async fn a_name_that_is_not_found_has_no_interval_and_is_resolved_once_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut ledger = lake.gaps().await.unwrap();
    let missing =
        || Observation { open: vec![gap("nope", None, "not-found")], catalogued: vec![T.into()], ..Default::default() };
    ledger.observe(run(1), missing());
    ledger.observe(run(2), missing());
    ledger.save().await.unwrap();
    let mut ledger = lake.gaps().await.unwrap();
    assert_eq!((ledger.rows()[0].interval, ledger.rows()[0].attempts), (None, 2));
    ledger.observe(run(3), Observation { catalogued: vec!["other".into()], ..Default::default() });
    assert_eq!(ledger.rows()[0].resolved_at, None);
    ledger.observe(run(4), Observation { catalogued: vec![T.into()], ..Default::default() });
    assert_eq!(ledger.rows()[0].resolved_at, Some(run(4).at));
}

#[tokio::test]
async fn nothing_to_say_makes_no_table_and_two_ledgers_do_not_undo_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder);
    let mut ledger = lake.gaps().await.unwrap();
    ledger.observe(run(1), Observation { covered: vec![cover("a", micros(0, 5))], ..Default::default() });
    ledger.save().await.unwrap();
    assert!(!folder.path().join("checkpoints/x_gaps").exists());

    let (mut one, mut two) = (lake.gaps().await.unwrap(), lake.gaps().await.unwrap());
    for (ledger, series) in [(&mut one, "a"), (&mut two, "b")] {
        ledger.observe(run(2), Observation { open: vec![gap(series, Some(micros(0, 9)), "x")], ..Default::default() });
    }
    one.save().await.unwrap();
    two.save().await.unwrap();
    assert_eq!(lake.gaps().await.unwrap().rows().len(), 2);
}
