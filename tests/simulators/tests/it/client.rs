//! The smallest HTTP client that sees what really came over the wire, broken answers included.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use tidegate_simulators::pi::{Assets, Config, Form, Frames, Server, Sprinkle, parse_rfc3339};

/// End of every test server's history.
pub(crate) const END: &str = "2024-03-01T07:00:00Z";

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Answer {
    /// 0 when there was no answer at all.
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as its framing promised.
    pub(crate) complete: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Ten tags, half a day, ending at [`END`].
pub(crate) fn config() -> Config {
    Config { days: 0.5, end: Some(parse_rfc3339(END).unwrap()), ..Config::default() }
}

/// As [`config`], without unusual events.
pub(crate) fn clean() -> Config {
    Config { sprinkle: Sprinkle::none(), ..config() }
}

/// As [`clean`], with 300 elements in 15 levels, event frames of five days and everything that makes them awkward.
pub(crate) fn plant() -> Config {
    Config {
        tags: 40,
        days: 5.0,
        interval_seconds: 600.0,
        assets: Assets {
            elements: 300,
            depth: 15,
            attributes: 16,
            multi_parent: 12,
            cycle: true,
            hidden: 5,
            hostile_names: true,
            ..Assets::default()
        },
        frames: Frames { per_day: 24.0, open: 3, children: 2, ..Frames::default() },
        ..clean()
    }
}

/// `/assetdatabases/{id}` of the first database.
pub(crate) fn database(server: &Server) -> String {
    format!("/assetdatabases/{}", server.truth().assets().databases()[0].web_id(Form::IdOnly))
}

/// Every item of a list, page after page of `count`, by `Links.Next`.
pub(crate) fn pages(server: &Server, path: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(format!("{path}{}maxCount={count}", if path.contains('?') { '&' } else { '?' }));
    while let Some(path) = next {
        let answer = get(server, &path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let page = items(&answer.json());
        assert!(page.len() <= count && !page.is_empty(), "{path}: {} items", page.len());
        found.extend(page);
        next = answer.json()["Links"]["Next"].as_str().map(|url| url.split_once("/piwebapi").unwrap().1.to_owned());
    }
    found
}

/// The texts of one member of each item.
pub(crate) fn texts(items: &[Value], member: &str) -> Vec<String> {
    items.iter().map(|item| item[member].as_str().unwrap_or_else(|| panic!("{member}: {item}")).to_owned()).collect()
}

pub(crate) fn launch(config: Config) -> Server {
    Server::launch(config).unwrap()
}

/// Sends the bytes and reads until the server closes.
pub(crate) fn exchange(server: &Server, request: &[u8]) -> Answer {
    exchange_at(server.address(), request)
}

/// As [`exchange`], with any server.
pub(crate) fn exchange_at(address: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    // A refusal may arrive, and the connection end, before everything is sent.
    let _ = stream.write_all(request);
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw);
    parse(&raw)
}

fn parse(raw: &[u8]) -> Answer {
    let nothing = Answer { status: 0, headers: Vec::new(), body: Vec::new(), complete: false };
    let Some(end) = raw.windows(4).position(|w| w == b"\r\n\r\n") else { return nothing };
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let mut answer = Answer { status, headers, body: raw[end + 4..].to_vec(), complete: true };
    if answer.header("transfer-encoding") == Some("chunked") {
        (answer.body, answer.complete) = dechunk(&answer.body);
    } else if let Some(length) = answer.header("content-length") {
        answer.complete = length.parse::<usize>().unwrap() == answer.body.len();
    }
    answer
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|w| w == b"\r\n") {
        let len = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        if len == 0 {
            return (body, true);
        }
        let data = &rest[at + 2..];
        body.extend_from_slice(&data[..len.min(data.len())]);
        if data.len() < len + 2 {
            return (body, false);
        }
        rest = &data[len + 2..];
    }
    (body, false)
}

/// `GET /piwebapi<path>`, with further header lines.
pub(crate) fn get_with(server: &Server, path: &str, headers: &str) -> Answer {
    let request = format!("GET /piwebapi{path} HTTP/1.1\r\nHost: pi\r\nConnection: close\r\n{headers}\r\n");
    exchange(server, request.as_bytes())
}

/// `GET /piwebapi<path>`.
pub(crate) fn get(server: &Server, path: &str) -> Answer {
    get_with(server, path, "")
}

/// `POST /piwebapi/batch` with the CSRF header.
pub(crate) fn batch(server: &Server, body: &Value) -> Answer {
    post(server, "X-Requested-With: test\r\n", body.to_string().as_bytes())
}

/// `POST /piwebapi/batch` with these header lines.
pub(crate) fn post(server: &Server, headers: &str, body: &[u8]) -> Answer {
    let mut request = format!(
        "POST /piwebapi/batch HTTP/1.1\r\nHost: pi\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    exchange(server, &request)
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The WebId of the tag at `index`.
pub(crate) fn id(server: &Server, index: usize) -> String {
    server.truth().points()[index].web_id(tidegate_simulators::pi::Form::Full)
}

/// The items of a list answer.
pub(crate) fn items(answer: &Value) -> Vec<Value> {
    answer["Items"].as_array().unwrap_or_else(|| panic!("no Items: {answer}")).clone()
}
