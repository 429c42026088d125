//! The program: one line on stdout, then a server until SIGTERM.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::client::{clean, get, launch};

#[test]
fn it_says_where_it_listens_serves_and_ends_on_sigterm() {
    let options = "pi --tags 3 --days 0.1 --end 2024-03-01T07:00:00Z --auth basic --username u --password p \
        --elements 30 --depth 3 --attributes 4 \
        --databases A,B --frames-per-day 20 --templates T,U:T --child-frames 1 --kinds Float32=2,Digital --burst 1=100 --fault status:503,count=1 --control --clean";
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate-sim"))
        .args(options.split_ascii_whitespace())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on http://").unwrap();
    let host = url.strip_suffix("/piwebapi").unwrap();
    let ask = |auth: &str| {
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "GET /piwebapi/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{auth}\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(ask(""), "401");
    assert_eq!(ask("Authorization: Basic dTpw\r\n"), "503");
    assert_eq!(ask("Authorization: Basic dTpw\r\n"), "200");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    line.clear();
    assert_eq!(out.read_line(&mut line).unwrap(), 0, "nothing else on stdout");
}

#[test]
fn wrong_options_are_refused_before_anything_listens() {
    for options in
        ["pi --fault nonsense", "pi --kinds Float99", "pi --auth basic", "pi --hidden 1=500", "pi --end soon"]
    {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tidegate-sim")).args(options.split_ascii_whitespace()).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{options}");
        let option = options.split_ascii_whitespace().nth(1).unwrap().trim_start_matches('-');
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(option) || message.contains("--username"), "{options}: {message}");
    }
}

#[test]
fn a_stopped_server_no_longer_listens() {
    let server = launch(clean());
    let address = server.address();
    assert_eq!(get(&server, "/").status, 200);
    let idle = TcpStream::connect(address).unwrap();
    server.stop();
    assert!(TcpStream::connect(address).is_err());
    assert_eq!((&idle).read(&mut [0; 8]).unwrap_or(0), 0, "idle connections are closed");
}
