//! A bucket: a real S3 server over a folder, and in front of it a gate that can refuse or slow down what passes.

use std::convert::Infallible;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;

const KEY: &str = "tidegate-test";
const SECRET: &str = "hunter2-bucket-secret";

/// What the gate does to requests from now on.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// A PUT, or the start of an upload in parts, to a path that holds this text gets this status instead of an answer.
    pub refused: Option<(&'static str, u16)>,
    /// Every request waits so long.
    pub delay: Duration,
}

/// A server with one bucket. Its objects are files below the folder, which tests read without any client.
pub struct Bucket {
    server: Child,
    /// `sink` of a configuration.
    pub sink: String,
    weather: Arc<Mutex<Weather>>,
    refusals: Arc<Mutex<u64>>,
}

impl Bucket {
    /// The bucket `name` in `folder`; needs a runtime, in which the gate runs.
    pub async fn start(folder: &Path, name: &str) -> Self {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        let free = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = free().local_addr().unwrap().port();
        let server = Command::new("s3s-fs")
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--access-key", KEY, "--secret-key", SECRET])
            .arg(folder)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("s3s-fs is not installed: cargo install --locked s3s-fs@0.14.1 --features binary");
        let (weather, refusals) = (Arc::<Mutex<Weather>>::default(), Arc::<Mutex<u64>>::default());
        let gate = free();
        let address = gate.local_addr().unwrap();
        tokio::spawn(accept(gate, format!("http://127.0.0.1:{port}"), Arc::clone(&weather), Arc::clone(&refusals)));
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let sink = format!(
            "{{location: 's3://{name}', storage_options: {{endpoint: 'http://{address}', allow_http: true, region: us-east-1, \
             access_key_id: {KEY}, secret_access_key: {SECRET}, max_retries: 2, retry_timeout: 5s}}}}"
        );
        Self { server, sink, weather, refusals }
    }

    /// Changes what the gate does.
    pub fn weather(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }

    /// How many requests it has refused.
    pub fn refusals(&self) -> u64 {
        *self.refusals.lock().unwrap()
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn accept(gate: TcpListener, server: String, weather: Arc<Mutex<Weather>>, refusals: Arc<Mutex<u64>>) {
    gate.set_nonblocking(true).unwrap();
    let gate = tokio::net::TcpListener::from_std(gate).unwrap();
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    loop {
        let (stream, _) = gate.accept().await.unwrap();
        let (client, server) = (client.clone(), server.clone());
        let (weather, refusals) = (Arc::clone(&weather), Arc::clone(&refusals));
        tokio::spawn(async move {
            let pass = service_fn(|request| {
                let weather = weather.lock().unwrap().clone();
                let refused = refusal(&request, &weather);
                *refusals.lock().unwrap() += u64::from(refused.is_some());
                let (client, server) = (client.clone(), server.clone());
                async move {
                    tokio::time::sleep(weather.delay).await;
                    match refused {
                        Some(answer) => Ok::<_, Infallible>(answer),
                        None => Ok(forward(&client, &server, request).await),
                    }
                }
            });
            // A client that hangs up is no matter of the gate's.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), pass).await;
        });
    }
}

fn refusal(request: &Request<Incoming>, weather: &Weather) -> Option<Response<Full<Bytes>>> {
    let (pattern, status) = weather.refused?;
    let writes = request.method() == Method::PUT || request.method() == Method::POST;
    let code = if status == 503 { "SlowDown" } else { "AccessDenied" };
    let text =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>refused by the test</Message></Error>");
    (writes && request.uri().path().contains(pattern))
        .then(|| Response::builder().status(status).body(Full::from(text)).unwrap())
}

async fn forward(client: &reqwest::Client, server: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let url = format!("{server}{}", head.uri);
    let answer = client.request(head.method, url).headers(head.headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    *response.headers_mut().unwrap() = answer.headers().clone();
    response.headers_mut().unwrap().remove("transfer-encoding");
    response.body(Full::new(answer.bytes().await.unwrap())).unwrap()
}
