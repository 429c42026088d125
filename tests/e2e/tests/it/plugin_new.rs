//! `tidegate plugin new`: what it writes builds, packs and runs as it is, by the commands of its own README.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::plant::{target, tidegate};
use crate::table;

/// The historian of the tutorial: two sensors, a sample each ten minutes of one day.
fn serve(listener: TcpListener) {
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    while !lines.next()?.ok()?.is_empty() {}
    let path = request.split([' ', '?']).nth(1)?;
    let (status, body) = match path.strip_prefix("/sensors") {
        Some("") => ("200 OK", r#"["T1","T 2"]"#.to_owned()),
        Some("/T1/samples") => ("200 OK", samples(1.5)),
        Some("/T%202/samples") => ("200 OK", samples(-3.25)),
        _ => ("404 Not Found", String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()
}

const SAMPLES: i64 = 144;

fn samples(factor: f64) -> String {
    let sample =
        |n: i64| format!(r#"{{"at":"2026-01-31T{:02}:{:02}:00Z","value":{}}}"#, n / 6, n % 6 * 10, n as f64 * factor);
    format!("[{}]", (0..SAMPLES).map(sample).collect::<Vec<_>>().join(","))
}

/// Id, time in µs and value of all rows that must be there.
fn truth() -> BTreeMap<(String, i64), u64> {
    let midnight = 1_769_817_600_000_000;
    let rows = |(id, factor): (&str, f64)| {
        let id = id.to_owned();
        (0..SAMPLES).map(move |n| ((id.clone(), midnight + n * 600_000_000), (n as f64 * factor).to_bits()))
    };
    [("T1", 1.5), ("T 2", -3.25)].into_iter().flat_map(rows).collect()
}

/// Cargo as a newcomer calls it, but with little optimisation, and in a folder that later tests find again.
fn build(folder: &Path) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().into_owned();
        // What is said of this test, not of the toolchain that builds it.
        if text.starts_with("CARGO_") && text != "CARGO_HOME" || text == "RUSTFLAGS" {
            cargo.env_remove(&name);
        }
    }
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_TARGET_DIR", target().join("plugins/skeleton"));
    let built = cargo.args(["build", "--release", "--target", "wasm32-wasip2"]).current_dir(folder).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

#[tokio::test]
async fn a_new_plugin_builds_packs_and_runs_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let done = |arguments: &[&str]| {
        let ended = tidegate(folder.path(), arguments, &[]);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:#?}");
        ended.stdout
    };
    done(&["plugin", "new", "acme_hist"]);
    build(&folder.path().join("acme_hist"));
    let component = target().join("plugins/skeleton/wasm32-wasip2/release/acme_hist.wasm");
    done(&["plugin", "pack", component.to_str().unwrap(), "-o", "acme_hist.tidegate"]);
    let shown = done(&["plugin", "inspect", "acme_hist.tidegate"]);
    assert!(shown.contains("GET /sensors, /sensors/*/samples") && shown.contains("acme_hist"), "{shown}");
    let refused = tidegate(folder.path(), &["init", "--plugin", "acme_hist"], &[]);
    assert!(refused.code == 4 && refused.stderr.contains("tidegate plugin approve"), "{refused:#?}");
    done(&["plugin", "approve", "acme_hist.tidegate"]);
    done(&["init", "--plugin", "acme_hist"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("source.url=http://{}", listener.local_addr().unwrap());
    std::thread::spawn(|| serve(listener));
    done(&["--set", &url, "--set", "ingestion.start=2026-01-31T00:00:00Z", "run"]);
    let rows = table::timeseries(&folder.path().join("lakehouse/bronze/acme_hist_timeseries")).await;
    let found: BTreeMap<(String, i64), u64> = rows
        .iter()
        .map(|((id, micros, sequence), rows)| {
            assert_eq!((*sequence, rows.len()), (0, 1), "{id} {micros}");
            ((id.clone(), *micros), rows[0].value.unwrap())
        })
        .collect();
    assert_eq!(found, truth());
}
