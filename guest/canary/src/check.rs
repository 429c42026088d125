//! `tidegate check`: the server for real, one line for each thing that can be wrong, with what to ask its administrator for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use tidegate_sdk::{
    Fault, Finding,
    time::{format_instant, now},
};

use crate::{
    api::{Context, Data, Payload, judge},
    browse::{Browse, PAGE},
    catalogue::contexts,
    pages::Ask,
    read::Samples,
    server::Server,
    settings::Settings,
    tag::Tag,
    view,
};

const ADDRESS: &str = "source.url must be the read API, version 2: https://HOST:55236/api/v2, or http://HOST:55235/api/v2 where \
                       anonymous access is on; a server that has /api/v1 alone is too old for this plugin";
const ACCESS: &str = "check `auth`: an API token by `type: bearer`, a user by `type: session`; the token may have expired, or its \
                      Canary user may lack permission in Identity";
const SEE: &str = "ask the Canary administrator to let this account read the view (Tag Security)";

/// Tags that are asked when their last sample was.
const SOME: usize = 200;
const MINUTE: i64 = 60_000_000_000;

/// All findings; a failure ends nothing but what builds on it.
pub(crate) async fn check() -> Vec<Finding> {
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(fault) => return vec![Finding::failed("configuration", &fault, "")],
    };
    let server = Server::new(&settings);
    let mut findings = vec![version(&server).await];
    let views = match view::views(&server).await {
        Ok(views) => views,
        Err(fault) => {
            findings.push(failed("views", &fault));
            return findings;
        }
    };
    match view::chosen(&server, &settings, &views).await {
        Ok(view) => {
            findings.push(Finding::ok("view", format!("{view}, of {} that are shown", views.len())));
            findings.extend(tags(&server, &view).await);
        }
        Err(fault) => findings.push(failed("view", &fault)),
    }
    findings
}

/// `getAggregates`: the cheapest call there is, and one that version 1 answers under another address.
#[derive(Deserialize)]
struct Aggregates(BTreeMap<String, serde_json::Value>);

impl Payload for Aggregates {
    const KEY: &'static str = "aggregates";
}

async fn version(server: &Server) -> Finding {
    match server.ask::<Aggregates>("getAggregates", &json!({})).await {
        Ok((Aggregates(names), _)) if names.contains_key("Count") => {
            Finding::ok("server", format!("Canary Views, read API version 2, {} aggregates", names.len()))
        }
        Ok(_) => Finding::warning(
            "server",
            "Canary Views, read API version 2, without the aggregate Count",
            "`tidegate reconcile` cannot compare counts with this server",
        ),
        Err(fault) => failed("server", &fault),
    }
}

/// A failure with the advice that its kind asks for.
fn failed(subject: &str, fault: &Fault) -> Finding {
    let advice = match fault.code.as_str() {
        "http-401" | "http-403" | "bad-user-token" => ACCESS,
        "bad-license" => {
            "ask the Canary administrator for a licence for third-party reads, or to free a client connection"
        }
        "http-404" | "http-405" | "malformed-answer" => ADDRESS,
        "view" => "correct source.view, or ask the Canary administrator to let this account see the view",
        _ => SEE,
    };
    match fault.code.as_str() {
        // It is the address that is wrong, whatever the server is.
        "malformed-answer" => {
            Finding::failed(subject, &Fault::user(fault.code.as_str(), fault.message.as_str()), advice)
        }
        _ => Finding::failed(subject, fault, advice),
    }
}

async fn tags(server: &Server, view: &str) -> Vec<Finding> {
    let first = match Browse::new(server, view, "").page().await {
        Ok(page) => page.unwrap_or_default(),
        Err(fault) => return vec![failed("tags", &fault)],
    };
    let shown: Vec<String> = first.iter().filter(|path| !view::is_diagnostic(view, path)).cloned().collect();
    if shown.is_empty() {
        return vec![Finding::warning("tags", format!("{view} shows none"), SEE)];
    }
    let more = if first.len() < PAGE { "" } else { " and more" };
    let mut findings = vec![Finding::ok("tags", format!("{}{more} in {view}", shown.len()))];
    let some: Vec<&str> = shown.iter().take(SOME).map(String::as_str).collect();
    findings.push(match contexts(server, some.iter().copied()).await {
        Ok(found) => newest(found.contexts.values(), some.len()),
        Err(fault) => failed("latest data", &fault),
    });
    if let Some(path) = some.first() {
        findings.push(samples(server, path).await);
    }
    findings
}

/// Whether samples can be read at all: those of the last minute of one tag.
async fn samples(server: &Server, path: &str) -> Finding {
    let tags = [Tag { id: String::new(), path: path.to_owned(), units: None }];
    let end = now();
    let ask = Ask { tags: vec![0], start: end.saturating_sub(MINUTE), end, size: 1, continuation: None };
    let answer = match server.post("getTagData2", &Samples::new(&ask, &tags)).await {
        Ok(answer) => answer,
        Err(fault) => return failed("samples", &fault),
    };
    match judge::<Data<'_>>("getTagData2", &answer) {
        Ok(_) => Finding::ok("samples", format!("of {path} can be read")),
        Err(fault) => failed("samples", &fault),
    }
}

fn newest<'a>(contexts: impl Iterator<Item = &'a Context>, asked: usize) -> Finding {
    match contexts.filter_map(Context::latest).max() {
        Some(latest) => {
            let minutes = now().saturating_sub(latest).max(0) / MINUTE;
            let text = format!("of {asked} tags at {}, {minutes} minutes ago", format_instant(latest));
            Finding::ok("latest data", text)
        }
        None => Finding::warning(
            "latest data",
            format!("none of {asked} tags has any"),
            "ask the Canary administrator whether the historian receives data",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_sdk::Outcome;

    #[test]
    fn a_failure_comes_with_the_advice_that_its_kind_asks_for() {
        let table = [
            (Fault::status(404, "getAggregates", ""), ADDRESS),
            (Fault::external("malformed-answer", "<html>"), ADDRESS),
            (Fault::status(401, "getAggregates", ""), ACCESS),
            (Fault::user("bad-user-token", "x"), ACCESS),
        ];
        for (fault, advice) in table {
            assert_eq!(failed("server", &fault).advice, advice, "{}", fault.code);
        }
        assert!(failed("server", &Fault::user("bad-license", "x")).advice.contains("licence"));
        assert!(failed("server", &Fault::external("http-503", "x")).advice.contains("later"));
    }

    #[test]
    fn the_newest_sample_is_told_with_its_age() {
        let context = |latest: &str| Context { latest_time_stamp: Some(latest.into()), ..Context::default() };
        let contexts = [context("2024-03-01T07:00:00Z"), context("2024-03-02T07:00:00Z"), Context::default()];
        assert!(newest(contexts.iter(), 3).detail.contains("2024-03-02T07:00:00Z"));
        assert!(matches!(newest([].iter(), 3).outcome, Outcome::Warning));
    }
}
