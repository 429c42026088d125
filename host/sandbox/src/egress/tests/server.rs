//! A server that answers with the bytes it is given, in order or by what it is asked, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// What to do with a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// Answer and keep the connection.
    Bytes(Vec<u8>),
    /// Answer and close the connection.
    Close(Vec<u8>),
    /// Answer and say no more.
    Hang(Vec<u8>),
    /// Answer after this time, and keep the connection.
    Late(Duration, Vec<u8>),
}

impl Reply {
    /// A complete answer.
    pub(super) fn new(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub(super) fn ok(body: &str) -> Self {
        Self::new("200 OK", "", body.as_bytes())
    }
}

/// What is answered to a request, head and body.
type Answering = Box<dyn FnMut(&str) -> Option<Reply> + Send>;

/// A running server; ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    answering: Arc<Mutex<Answering>>,
}

impl Server {
    pub(super) async fn start(replies: Vec<Reply>, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let mut replies = VecDeque::from(replies);
        Self::listen(Box::new(move |_| replies.pop_front()), tls).await
    }

    /// A server that looks at what it is asked.
    pub(super) async fn by(mut answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self::listen(Box::new(move |request| Some(answer(request))), None).await
    }

    async fn listen(answering: Answering, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
            answering: Arc::new(Mutex::new(answering)),
        };
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => shared.serve(stream).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => shared.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        server
    }

    /// The requests so far, head and body.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        loop {
            let request = read_request(&mut stream).await?;
            self.asked.lock().unwrap().push(request.clone());
            let reply = (self.answering.lock().unwrap())(&request)?;
            if let Reply::Late(wait, _) = &reply {
                tokio::time::sleep(*wait).await;
            }
            let (Reply::Bytes(bytes) | Reply::Close(bytes) | Reply::Hang(bytes) | Reply::Late(_, bytes)) = &reply;
            stream.write_all(bytes).await.ok()?;
            stream.flush().await.ok()?;
            match reply {
                Reply::Bytes(_) | Reply::Late(..) => {}
                Reply::Close(_) => return None,
                Reply::Hang(_) => std::future::pending().await,
            }
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
