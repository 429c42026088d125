//! How fast the PI simulator is with one thread, over a socket to a client that only counts bytes.
//!
//! Wall time suffers from whatever else the machine does; CPU time does not, and includes the client's share.
//!
//! `cargo run --release -p tidegate-simulators --example render`

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use anyhow::{Context, Result};
use tidegate_simulators::pi::{Config, Form, Kind, Server, Sprinkle};

const PAGES: usize = 60;

fn main() -> Result<()> {
    let float = vec![Kind::Float32];
    measure("floats, all fields", float.clone(), "")?;
    measure("floats, selected fields", float, "&selectedFields=Items.Timestamp;Items.Value;Items.Good")?;
    measure("a plant's mix, all fields", Kind::plant_mix(), "")
}

/// CPU seconds of this process so far, user and system.
fn cpu() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat")?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / 100.0)
}

fn measure(name: &str, kinds: Vec<Kind>, fields: &str) -> Result<()> {
    let config = Config { tags: 20, days: 75.0, kinds, sprinkle: Sprinkle::default(), threads: 1, ..Config::default() };
    let server = Server::launch(config)?;
    let points = server.truth().points();
    let mut stream = TcpStream::connect(server.address())?;
    let (before, cpu_before) = (Instant::now(), cpu()?);
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 20]);
    for page in 0..PAGES {
        let id = points[page % points.len()].web_id(Form::IdOnly);
        write!(
            stream,
            "GET /piwebapi/streams/{id}/recorded?startTime=*-80d&maxCount=100000{fields} HTTP/1.1\r\nHost: pi\r\n\r\n"
        )?;
        let (mut tail, end) = (Vec::new(), b"\r\n0\r\n\r\n");
        while !tail.ends_with(end) {
            let len = stream.read(&mut buffer)?;
            let read = buffer.get(..len).filter(|read| !read.is_empty()).context("the server closed")?;
            bytes += len;
            tail.extend_from_slice(&read[read.len().saturating_sub(end.len())..]);
            tail.drain(..tail.len().saturating_sub(end.len()));
        }
    }
    let (seconds, busy, events) = (before.elapsed().as_secs_f64(), cpu()? - cpu_before, server.stats().events);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{name}: {:.0} MB/s, {:.0} MB per CPU-second, {:.2} M events/s, {} bytes an event",
        bytes as f64 / 1e6 / seconds,
        bytes as f64 / 1e6 / busy,
        events as f64 / 1e6 / seconds,
        bytes as u64 / events.max(1)
    )?;
    Ok(())
}
