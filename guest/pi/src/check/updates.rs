//! Whether the server has Stream Updates, asked for with a marker that no server gave out: that registers nothing.

use serde_json::Value;
use tidegate_sdk::{Fault, Finding};

use crate::server::Server;

const BOGUS: &str = "/streams/updates/00000000000000000000000000000000_0";

/// Asks.
pub(super) async fn check(server: &Server) -> Finding {
    judge(server.get::<Value>(BOGUS, &[]).await.err().as_ref())
}

/// A server that has them says in its own words that it does not know the marker; another does not know the address.
fn judge(fault: Option<&Fault>) -> Finding {
    let Some(fault) = fault else {
        return Finding::ok("stream updates", "available".to_owned());
    };
    let own_words = fault.message.contains("Errors") || fault.message.to_lowercase().contains("marker");
    let no_route = fault.message.contains("No HTTP resource");
    match fault.code.as_str() {
        "http-400" | "http-409" => Finding::ok("stream updates", "available".to_owned()),
        "http-404" if own_words && !no_route => Finding::ok("stream updates", "available".to_owned()),
        "http-404" | "http-405" | "http-501" => Finding::ok(
            "stream updates",
            "not available on this server (before 2018 SP1); each run reads the whole look-back".to_owned(),
        ),
        _ => {
            let advice = "nothing depends on it: each run then reads the whole look-back";
            Finding::warning("stream updates", format!("not found out: {} ({})", fault.message, fault.code), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_refusal_tell() {
        let said =
            |status: u16, answer: &str| judge(Some(&Fault::status(status, "GET /streams/updates/*", answer))).detail;
        assert_eq!(said(404, r#"{"Errors":["The cache was not found."]}"#), "available");
        assert_eq!(said(409, r#"{"Errors":["Invalid marker"]}"#), "available");
        let unknown =
            r#"{"Message":"No HTTP resource was found that matches the request URI 'https://h/streams/updates/0'"}"#;
        assert!(said(404, unknown).starts_with("not available"));
        assert!(said(404, "<html>").starts_with("not available"));
        assert!(said(503, "busy").starts_with("not found out"));
        assert_eq!(judge(None).detail, "available");
    }
}
