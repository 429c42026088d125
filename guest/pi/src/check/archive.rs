//! What reading time series needs: points that can be listed, values that can be read, batches.

use serde::Deserialize;
use tidegate_sdk::{
    Fault, Finding, Instant,
    http::encode,
    time::{format_instant, now, parse_instant},
};

use super::LIST;
use crate::{
    api::{DataServer, Point},
    batch::Batch,
    listing::Whole,
    probe,
    server::Server,
    settings::Settings,
    tag::recorded_path,
};

const READ: &str = "ask the PI administrator for read permission in the Data Security of the points";
const POST: &str = "ask the PI administrator whether a proxy in front of PI Web API blocks POST /batch; it reads only";

const MINUTE: i64 = 60_000_000_000;

/// No zone on earth is further from UTC.
const FURTHEST: i64 = 15 * 60;

/// What was found, and a point to try other things with.
pub(super) struct Archive {
    pub(super) findings: Vec<Finding>,
    pub(super) point: Option<Point>,
}

/// Tries one point of `home`.
pub(super) async fn check(server: &Server, settings: &Settings, home: &DataServer) -> Archive {
    let path = format!("/dataservers/{}/points", encode(&home.web_id));
    let filter =
        settings.ingestion.tag_filter.as_ref().and_then(|filter| filter.name_pattern.as_deref()).unwrap_or("*");
    let query =
        [("nameFilter", filter), ("maxCount", "1"), ("selectedFields", "Items.WebId;Items.Name;WebException;Errors")];
    let point = match server.get::<Whole<Point>>(&path, &query).await {
        Ok(list) => list.items.into_iter().next(),
        Err(fault) => return Archive { findings: vec![Finding::failed("points", &fault, LIST)], point: None },
    };
    let Some(point) = point else {
        let finding = Finding::warning("points", format!("no point of {} matches {filter}", home.name), LIST);
        return Archive { findings: vec![finding], point: None };
    };
    let findings = vec![
        Finding::ok("points", format!("the points of {} can be listed", home.name)),
        recorded(server, &point).await,
        batch(server, settings, &point).await,
        zone(server, &point).await,
    ];
    Archive { findings, point: Some(point) }
}

#[derive(Deserialize)]
struct Times {
    #[serde(rename = "Items")]
    items: Option<Vec<Time>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Time {
    timestamp: Option<String>,
}

async fn times(server: &Server, point: &Point, query: &[(&str, &str)]) -> Result<Option<Vec<Time>>, Fault> {
    let mut query = query.to_vec();
    query.push(("selectedFields", "Items.Timestamp;WebException;Errors"));
    Ok(server.get::<Times>(&recorded_path(&point.web_id), &query).await?.items)
}

async fn recorded(server: &Server, point: &Point) -> Finding {
    let query = [("startTime", "*-1h"), ("endTime", "*"), ("maxCount", "1")];
    match times(server, point, &query).await {
        Ok(Some(_)) => Finding::ok("recorded values", format!("of {} can be read", point.name)),
        Ok(None) => Finding::warning("recorded values", format!("of {}: an answer without Items", point.name), READ),
        Err(fault) => Finding::failed("recorded values", &fault, READ),
    }
}

async fn batch(server: &Server, settings: &Settings, point: &Point) -> Finding {
    let count = settings.performance.max_count_per_request;
    let mut batch = Batch::new(server, None);
    match probe::page(&mut batch, &point.web_id, count).await {
        Ok(Ok(())) => Finding::ok("batch", format!("POST /batch works; pages of {count} events are allowed")),
        Ok(Err(refusal)) => match probe::limit_of(&refusal) {
            Some(limit) => Finding::warning(
                "batch",
                format!("POST /batch works; the server allows {limit} events in a page and {count} are configured"),
                "lower performance.max_count_per_request, or ask the PI administrator to raise MaxReturnedItemsPerCall",
            ),
            None => Finding::failed("batch", &refusal.fault, READ),
        },
        Err(fault) => Finding::failed("batch", &fault, POST),
    }
}

/// How the server takes a time without offset: an interpolated value stands exactly at the start that was asked for.
/// Nothing depends on it, since every request of this plugin carries `Z`; it explains what other clients show.
async fn zone(server: &Server, point: &Point) -> Finding {
    let minute = now().div_euclid(MINUTE).saturating_sub(24 * 60).saturating_mul(MINUTE);
    let (start, end) = (format_instant(minute), format_instant(minute.saturating_add(MINUTE)));
    let bare = |text: &str| text.trim_end_matches('Z').to_owned();
    let (start, end) = (bare(&start), bare(&end));
    let query =
        [("startTime", start.as_str()), ("endTime", end.as_str()), ("boundaryType", "Interpolated"), ("maxCount", "2")];
    let first = times(server, point, &query).await.ok().flatten().and_then(|times| times.into_iter().next()?.timestamp);
    match first.and_then(|first| offset(minute, parse_instant(&first).ok()?)) {
        Some(offset) => Finding::ok(
            "time zone",
            format!("the server takes a time without offset for {}; this plugin sends UTC", written(offset)),
        ),
        None => Finding::ok(
            "time zone",
            "how the server takes a time without offset does not show; this plugin sends UTC".to_owned(),
        ),
    }
}

/// Minutes by which the server's local time is ahead of UTC.
fn offset(asked: Instant, answered: Instant) -> Option<i64> {
    let nanos = asked.checked_sub(answered)?;
    let minutes = nanos / MINUTE;
    (nanos % MINUTE == 0 && minutes.abs() <= FURTHEST).then_some(minutes)
}

fn written(minutes: i64) -> String {
    match minutes {
        0 => "UTC".to_owned(),
        _ => {
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("UTC{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_shows_in_the_time_of_an_interpolated_value() {
        let noon = parse_instant("2024-03-01T12:00:00Z").unwrap();
        let table = [
            ("2024-03-01T11:00:00Z", Some("UTC+01:00")),
            ("2024-03-01T12:00:00Z", Some("UTC")),
            ("2024-03-01T17:30:00Z", Some("UTC-05:30")),
            ("2024-03-01T11:59:58Z", None),
            ("2024-02-01T12:00:00Z", None),
        ];
        for (answered, expected) in table {
            let offset = offset(noon, parse_instant(answered).unwrap()).map(written);
            assert_eq!(offset.as_deref(), expected, "{answered}");
        }
    }
}
