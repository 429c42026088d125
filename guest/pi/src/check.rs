//! `tidegate check`: the server for real, one line for each thing that can be wrong, with what to ask the PI
//! administrator for.

mod archive;
mod asset;
mod clock;
mod limits;
mod updates;

use tidegate_sdk::{Finding, Instant, time::now};

use crate::{
    api::{DataServer, Status, System, UserInfo},
    resolve::{chosen, data_servers, needs_home},
    server::Server,
    settings::Settings,
};

const LIST: &str = "ask the PI administrator for read access to the PI Data Archive's points (PI mapping or trust of \
                    this account, and read permission in Point Security)";
const CHOOSE: &str =
    "correct source.data_server; if yours is not shown, ask the PI administrator to let this account see it";

/// All findings; a failure ends nothing but what builds on it.
pub(crate) async fn check() -> Vec<Finding> {
    let settings = match Settings::load() {
        Ok(settings) => settings,
        Err(fault) => return vec![Finding::failed("configuration", &fault, "")],
    };
    let server = Server::new(&settings);
    let mut findings = vec![version(&server).await, user(&server).await];
    let servers = data_servers(&server).await;
    findings.push(clock(&server, servers.as_deref().unwrap_or_default()).await);
    let mut probe = None;
    let home = servers.and_then(|servers| {
        findings.extend(connections(&servers));
        let any = servers.first().cloned();
        match chosen(&settings, servers) {
            // Tags that carry their data server need none chosen; any will do for a probe.
            Err(fault) if !needs_home(&settings) => any.ok_or(fault),
            home => home,
        }
    });
    match home {
        Ok(home) => {
            let archive = archive::check(&server, &settings, &home).await;
            findings.extend(archive.findings);
            probe = archive.point;
        }
        // The message says which ones there are to choose from.
        Err(fault) if fault.code == "data-server" => findings.push(Finding::failed("data server", &fault, CHOOSE)),
        Err(fault) => findings.push(Finding::failed("data server", &fault, LIST)),
    }
    findings.push(limits::check(&server, probe.as_ref()).await);
    findings.push(updates::check(&server).await);
    findings.extend(asset::check(&server, &settings).await);
    findings
}

async fn version(server: &Server) -> Finding {
    match server.get::<System>("/system", &[]).await {
        Ok(system) => {
            let title = system.product_title.unwrap_or_else(|| "PI Web API".to_owned());
            match system.product_version {
                Some(version) => Finding::ok("server", format!("{title}, version {version}")),
                None => Finding::warning(
                    "server",
                    format!("{title}, version unknown"),
                    "check that source.url is a PI Web API",
                ),
            }
        }
        Err(fault) => {
            Finding::failed("server", &fault, "check source.url, and `auth` against the methods enabled on PI Web API")
        }
    }
}

async fn user(server: &Server) -> Finding {
    match server.get::<UserInfo>("/system/userinfo", &[]).await {
        Ok(user) => {
            let name = user.name.unwrap_or_else(|| "unknown".to_owned());
            let kind = user.identity_type.unwrap_or_default();
            if user.is_authenticated == Some(false) {
                return Finding::warning(
                    "account",
                    format!("{name} {kind}, not authenticated"),
                    "set `auth`, unless anonymous access is meant",
                );
            }
            Finding::ok("account", format!("{name} {kind}").trim_end().to_owned())
        }
        Err(fault) => Finding::failed("account", &fault, "check `auth`: the server does not tell who we are"),
    }
}

/// The Web API's own time, or else that of a PI Data Archive as its list showed it a moment ago.
async fn clock(server: &Server, archives: &[DataServer]) -> Finding {
    let before = now();
    let status = server.get::<Status>("/system/status", &[]).await.ok();
    let after = now();
    // The server looked at its clock somewhere between.
    let ours: Instant = before + (after - before) / 2;
    let told = status.and_then(|status| status.server_time);
    let told = told.or_else(|| archives.iter().find_map(|archive| archive.server_time.clone()));
    clock::judge(told.as_deref(), ours)
}

fn connections(servers: &[DataServer]) -> Vec<Finding> {
    let advice = "ask the PI administrator why PI Web API is not connected to this PI Data Archive";
    servers.iter().map(|server| connection("data server", server, advice)).collect()
}

/// Whether PI Web API reaches a server behind it.
fn connection(subject: &str, server: &DataServer, advice: &str) -> Finding {
    let version = server.server_version.as_deref().unwrap_or("unknown");
    let detail = format!("{}, version {version}", server.name);
    if server.is_connected == Some(false) {
        return Finding::warning(subject, format!("{detail}, not connected"), advice);
    }
    Finding::ok(subject, detail)
}
