//! `tidegate check`: the server for real, one line for each thing that can be wrong, with what to ask the PI
//! administrator for.

use tidegate_sdk::{Domain, Fault, Finding, Outcome};

use crate::{
    api::{DataServer, Point, System, UserInfo},
    batch::Batch,
    listing::Whole,
    probe,
    resolve::{chosen, data_servers, needs_home},
    server::Server,
    settings::Settings,
    tag::recorded_path,
};

const LIST: &str = "ask the PI administrator for read access to the PI Data Archive's points (PI mapping or trust of \
                    this account, and read permission in Point Security)";
const CHOOSE: &str =
    "correct source.data_server; if yours is not shown, ask the PI administrator to let this account see it";
const READ: &str = "ask the PI administrator for read permission in the Data Security of the points";
const POST: &str = "ask the PI administrator whether a proxy in front of PI Web API blocks POST /batch; it reads only";

/// All findings; a failure ends nothing but what builds on it.
pub(crate) async fn check() -> Vec<Finding> {
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(fault) => return vec![failed("configuration", &fault, "")],
    };
    let server = Server::new(&settings);
    let mut findings = vec![version(&server).await, user(&server).await];
    let home = match data_servers(&server).await {
        Ok(servers) => {
            findings.extend(connections(&servers));
            let any = servers.first().cloned();
            match chosen(&settings, servers) {
                // Tags that carry their data server need none chosen; any will do for a probe.
                Err(fault) if !needs_home(&settings) => any.ok_or(fault),
                home => home,
            }
        }
        Err(fault) => Err(fault),
    };
    match home {
        Ok(home) => findings.extend(points(&server, &settings, &home).await),
        // The message says which ones there are to choose from.
        Err(fault) if fault.code == "data-server" => findings.push(failed("data server", &fault, CHOOSE)),
        Err(fault) => findings.push(failed("data server", &fault, LIST)),
    }
    findings
}

async fn version(server: &Server) -> Finding {
    match server.get::<System>("/system", &[]).await {
        Ok(system) => {
            let title = system.product_title.unwrap_or_else(|| "PI Web API".to_owned());
            match system.product_version {
                Some(version) => ok("server", format!("{title}, version {version}")),
                None => warning("server", format!("{title}, version unknown"), "check that source.url is a PI Web API"),
            }
        }
        Err(fault) => {
            failed("server", &fault, "check source.url, and `auth` against the methods enabled on PI Web API")
        }
    }
}

async fn user(server: &Server) -> Finding {
    match server.get::<UserInfo>("/system/userinfo", &[]).await {
        Ok(user) => {
            let name = user.name.unwrap_or_else(|| "unknown".to_owned());
            let kind = user.identity_type.unwrap_or_default();
            if user.is_authenticated == Some(false) {
                return warning(
                    "account",
                    format!("{name} {kind}, not authenticated"),
                    "set `auth`, unless anonymous access is meant",
                );
            }
            ok("account", format!("{name} {kind}").trim_end().to_owned())
        }
        Err(fault) => failed("account", &fault, "check `auth`: the server does not tell who we are"),
    }
}

fn connections(servers: &[DataServer]) -> Vec<Finding> {
    let finding = |server: &DataServer| {
        let version = server.server_version.as_deref().unwrap_or("unknown");
        let detail = format!("{}, version {version}", server.name);
        if server.is_connected == Some(false) {
            let advice = "ask the PI administrator why PI Web API is not connected to this PI Data Archive";
            return warning("data server", format!("{detail}, not connected"), advice);
        }
        ok("data server", detail)
    };
    servers.iter().map(finding).collect()
}

async fn points(server: &Server, settings: &Settings, home: &DataServer) -> Vec<Finding> {
    let path = format!("/dataservers/{}/points", tidegate_sdk::http::encode(&home.web_id));
    let filter =
        settings.ingestion.tag_filter.as_ref().and_then(|filter| filter.name_pattern.as_deref()).unwrap_or("*");
    let query =
        [("nameFilter", filter), ("maxCount", "1"), ("selectedFields", "Items.WebId;Items.Name;WebException;Errors")];
    let listed: Result<Whole<Point>, Fault> = server.get(&path, &query).await;
    let point = match listed {
        Ok(list) => list.items.into_iter().next(),
        Err(fault) => return vec![failed("points", &fault, LIST)],
    };
    let Some(point) = point else {
        return vec![warning("points", format!("no point of {} matches {filter}", home.name), LIST)];
    };
    vec![
        ok("points", format!("the points of {} can be listed", home.name)),
        recorded(server, &point).await,
        batch(server, settings, &point).await,
    ]
}

async fn recorded(server: &Server, point: &Point) -> Finding {
    #[derive(serde::Deserialize)]
    struct Answer {
        #[serde(rename = "Items")]
        items: Option<serde_json::Value>,
    }
    let query = [
        ("startTime", "*-1h"),
        ("endTime", "*"),
        ("maxCount", "1"),
        ("selectedFields", "Items.Timestamp;WebException;Errors"),
    ];
    match server.get::<Answer>(&recorded_path(&point.web_id), &query).await {
        Ok(answer) if answer.items.is_some() => ok("recorded values", format!("of {} can be read", point.name)),
        Ok(_) => warning("recorded values", format!("of {}: an answer without Items", point.name), READ),
        Err(fault) => failed("recorded values", &fault, READ),
    }
}

async fn batch(server: &Server, settings: &Settings, point: &Point) -> Finding {
    let count = settings.performance.max_count_per_request;
    let mut batch = Batch::new(server, None);
    match probe::page(&mut batch, &point.web_id, count).await {
        Ok(Ok(())) => ok("batch", format!("POST /batch works; pages of {count} events are allowed")),
        Ok(Err(refusal)) => match probe::limit_of(&refusal) {
            Some(limit) => warning(
                "batch",
                format!("POST /batch works; the server allows {limit} events in a page and {count} are configured"),
                "lower performance.max_count_per_request, or ask the PI administrator to raise MaxReturnedItemsPerCall",
            ),
            None => failed("batch", &refusal.fault, READ),
        },
        Err(fault) => failed("batch", &fault, POST),
    }
}

fn ok(subject: &str, detail: String) -> Finding {
    Finding { subject: subject.to_owned(), outcome: Outcome::Ok, detail, advice: String::new() }
}

fn warning(subject: &str, detail: String, advice: &str) -> Finding {
    Finding { subject: subject.to_owned(), outcome: Outcome::Warning, detail, advice: advice.to_owned() }
}

/// Advice to the user's side only where it is the user's move: a server that is down needs no permission.
fn failed(subject: &str, fault: &Fault, advice: &str) -> Finding {
    let advice = match fault.domain {
        Domain::User | Domain::Internal => advice,
        Domain::External => "try again later; if it stays, show this line to the PI administrator",
    };
    Finding {
        subject: subject.to_owned(),
        outcome: Outcome::Failed,
        detail: format!("{} ({})", fault.message, fault.code),
        advice: advice.to_owned(),
    }
}
