//! How long the PI simulator takes for one page of a large plant, over a socket to a client that only counts bytes.
//!
//! `cargo run --release -p tidegate-simulators --example plant`

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result};
use tidegate_simulators::pi::{Assets, Config, Form, Frames, Server};

/// Pages asked for; the fastest counts, as the first one also sorts.
const ROUNDS: usize = 10;

fn main() -> Result<()> {
    let assets = Assets { elements: 100_000, depth: 15, attributes: 10, ..Assets::default() };
    let frames = Frames { per_day: 1000.0, ..Frames::default() };
    let before = Instant::now();
    let server = Server::launch(Config { tags: 1000, days: 100.0, assets, frames, threads: 1, ..Config::default() })?;
    writeln!(std::io::stdout(), "100,000 elements and 100,000 event frames grown in {:?}", before.elapsed())?;
    let databases = server.truth().assets().databases();
    let base = format!("/assetdatabases/{}", databases.first().context("no database")?.web_id(Form::IdOnly));
    let narrow = "webIdType=IDOnly&selectedFields=Items.WebId;Items.Id;Items.Name;Items.Path;Items.TemplateName";
    let all = "searchFullHierarchy=true&maxCount=10000&startIndex=50000";
    measure(&server, "10,000 elements, selected fields", &format!("{base}/elements?{all}&{narrow}"))?;
    measure(&server, "10,000 elements, all fields", &format!("{base}/elements?{all}"))?;
    measure(&server, "10,000 attributes, selected fields", &format!("{base}/elementattributes?{all}&{narrow}"))?;
    let window = "searchMode=StartInclusive&startTime=*-100d&maxCount=10000&sortField=StartTime";
    measure(&server, "10,000 event frames, selected fields", &format!("{base}/eventframes?{window}&{narrow}"))?;
    measure(&server, "10,000 event frames by name", &format!("{base}/eventframes?{window}&sortField=Name&{narrow}"))
}

fn measure(server: &Server, name: &str, path: &str) -> Result<()> {
    let mut best = (f64::MAX, 0);
    for _ in 0..ROUNDS {
        let mut stream = TcpStream::connect(server.address())?;
        let before = Instant::now();
        write!(stream, "GET /piwebapi{path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\n\r\n")?;
        let mut body = Vec::new();
        stream.read_to_end(&mut body)?;
        anyhow::ensure!(body.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&body));
        let seconds = before.elapsed().as_secs_f64();
        if seconds < best.0 {
            best = (seconds, body.len());
        }
    }
    writeln!(std::io::stdout(), "{name}: {:.1} ms, {:.1} MB", best.0 * 1e3, best.1 as f64 / 1e6)?;
    Ok(())
}
