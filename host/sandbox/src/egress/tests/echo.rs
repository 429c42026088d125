//! Servers that show what they were sent: no guest ever sees a credential in an answer.

use serde_json::json;

use super::session::{bytes, guest};
use super::*;

#[tokio::test]
async fn an_answer_never_shows_the_credentials_that_a_header_carried() {
    let pad = "x".repeat(90_000);
    let body = format!("{{\"you sent\":\"Basic czNjcmV0\",\"as\":\"p4ssw0rd\"}}{pad}");
    let clean = format!("{{\"you sent\":\"Basic ********\",\"as\":\"p4ssw0rd\"}}{pad}");
    let (begin, end) = body.split_at(22);
    let chunks = format!("{:x}\r\n{begin}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", begin.len(), end.len());
    let head = "x-echo: Basic czNjcmV0\r\nx-as: p4ssw0rd\r\n";
    let chunked = format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n{chunks}").into_bytes();
    let declared = Reply::new("200 OK", head, body.as_bytes());
    let failed = Reply::new("403 Forbidden", head, &body.as_bytes()[..60]);
    let server = Server::start(vec![Reply::Bytes(chunked), declared, failed], None).await;
    let mut guest = Guest::of(&server);
    guest.caller.response_bytes = 10_000_000;
    for length in [None, Some(body.len().to_string())] {
        let answer = guest.get("/a").await.unwrap();
        assert!(!answer.headers().contains_key("x-echo") && answer.headers().contains_key("x-as"));
        assert_eq!(answer.headers().get("content-length").map(|length| length.to_str().unwrap().to_owned()), length);
        assert_eq!(text(answer).await.unwrap(), clean);
    }
    let answer = guest.get("/a").await.unwrap();
    let shown = ["x-echo", "x-as", "content-length"].map(|name| answer.headers().contains_key(name));
    assert_eq!(shown, [false; 3], "{:?}", answer.headers());
    let said = text(answer).await.unwrap();
    assert!(said.starts_with("{\"you sent\":\"Basic ***\",\"as\":\"***\"}"), "{said}");
}

#[tokio::test]
async fn data_in_which_a_short_token_is_an_ordinary_word_are_left_alone() {
    for data in ["{\"state\":\"test\"}".to_owned(), format!("{{\"state\":\"test\"}}{}", "x".repeat(70_000))] {
        let login = Reply::Bytes(bytes(&json!({"token": "test"})));
        let failed = Reply::new("400 Bad Request", "", b"you sent test");
        let server = Server::start(vec![login, Reply::new("200 OK", "", data.as_bytes()), failed], None).await;
        let mut guest = guest(&server);
        guest.caller.response_bytes = 10_000_000;
        let answer = guest.send(Method::POST, "/a", &[], "{}").await.unwrap();
        assert_eq!(text(answer).await.unwrap(), data);
        let answer = guest.send(Method::POST, "/a", &[], "{}").await.unwrap();
        assert_eq!(text(answer).await.unwrap(), "you sent ***");
    }
}

#[tokio::test]
async fn a_small_answer_never_shows_the_token() {
    let login = Reply::Bytes(bytes(&json!({"token": "tok-s3cret"})));
    let echo =
        Reply::new("400 Bad Request", "x-echo: tok-s3cret\r\nx-other: 1\r\n", b"you sent tok-s3cret, tok-s3cret");
    let server = Server::start(vec![login, echo], None).await;
    let response = guest(&server).send(Method::POST, "/a", &[], "{}").await.unwrap();
    assert!(!response.headers().contains_key("x-echo") && response.headers().contains_key("x-other"));
    assert!(!response.headers().contains_key("content-length"), "it would be wrong");
    assert_eq!(text(response).await.unwrap(), "you sent ***, ***");
}

#[tokio::test]
async fn a_large_answer_or_one_that_breaks_off_shows_the_token_no_more_than_a_small_one() {
    let token = "tok+s3cret/=";
    let pad = "x".repeat(70_000);
    for spelt in [token, "tok\\u002Bs3cret/\\u003D", "tok\\u002bs3cret\\/="] {
        let (begin, end) = spelt.split_at(5);
        let chunks = format!("{:x}\r\n{pad}{begin}\r\n{:x}\r\n{end} end\r\n0\r\n\r\n", pad.len() + 5, end.len() + 4);
        let declared = format!("content-length: {}\r\n\r\n{pad}{spelt} end", pad.len() + spelt.len() + 4);
        let cut = format!("content-length: 100\r\n\r\n{spelt} end");
        for rest in [format!("transfer-encoding: chunked\r\n\r\n{chunks}"), declared, cut] {
            let login = Reply::Bytes(bytes(&json!({ "token": token })));
            let echo = Reply::Close(format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes());
            let server = Server::start(vec![login, echo], None).await;
            let mut guest = guest(&server);
            guest.caller.response_bytes = 10_000_000;
            let response = guest.send(Method::POST, "/a", &[], "{}").await.unwrap();
            assert!(!response.headers().contains_key("content-length"), "it would be wrong");
            let mut body = response.into_body();
            let mut seen = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                seen.extend_from_slice(&frame.into_data().unwrap());
            }
            let seen = String::from_utf8(seen).unwrap();
            assert!(seen.ends_with("*** end") && !seen.contains("s3cret"), "{}", seen.trim_start_matches('x'));
            assert!(seen.len() == 7 || seen.len() == pad.len() + 7);
        }
    }
}
