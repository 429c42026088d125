//! One Views read API: every call is a `POST` of a JSON object, and every answer comes in an envelope (§2, §3).

use serde::{Serialize, de::DeserializeOwned};
use tidegate_sdk::{
    Fault, Instant,
    http::{Client, Response},
    time::format_instant,
};

use crate::{
    api::{Continuation, Payload, judge, judge_whole},
    settings::Settings,
};

/// The zone in which answers are to be written: without it, the server's own (§6.4).
pub(crate) const ZONE: &str = "UTC";

/// Ticks in which Canary counts time, in nanoseconds.
pub(crate) const TICK: i64 = 100;

const SECOND: i64 = 1_000_000_000;

/// The read API that the configuration names.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    http: Client,
}

impl Server {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { http: Client::new(&settings.source.url) }
    }

    /// An answer as it came; [`judge`] tells what it is worth.
    pub(crate) async fn post(&self, method: &str, body: &impl Serialize) -> Result<Response, Fault> {
        let json = serde_json::to_vec(body)
            .map_err(|error| Fault::internal("request", format!("{method}: the request is no JSON: {error}")))?;
        self.http.post_json(&format!("/{method}"), json).await
    }

    /// The payload of an answer that owns what it holds, and where it goes on.
    pub(crate) async fn ask<P: Payload + DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
    ) -> Result<(P, Option<Continuation>), Fault> {
        let answer = self.post(method, body).await?;
        judge(method, &answer)
    }

    /// The payload of an answer to a call that has one page.
    pub(crate) async fn ask_whole<P: Payload + DeserializeOwned>(
        &self,
        method: &str,
        body: &impl Serialize,
    ) -> Result<P, Fault> {
        let answer = self.post(method, body).await?;
        judge_whole(method, &answer)
    }
}

/// An instant as a request names it: UTC, with all seven digits.
pub(crate) fn ticks(instant: Instant) -> String {
    let second = instant.div_euclid(SECOND).saturating_mul(SECOND);
    let whole = format_instant(second);
    format!("{}.{:07}Z", whole.trim_end_matches('Z'), instant.saturating_sub(second) / TICK)
}

/// Whether a fault may be about one of the things asked for together: asked for apart, the others may do better. A server
/// that cannot be reached, is busy or knows nobody is not among them.
pub(crate) fn isolates(fault: &Fault) -> bool {
    let whole = [
        "malformed-answer",
        "payload-missing",
        "continuation-loop",
        "continuation-unread",
        "http-400",
        "http-403",
        "http-500",
    ];
    refuses(fault) || whole.contains(&fault.code.as_str())
}

/// Whether the server has understood the question and says that it has no answer (§3). Anything else says nothing of what
/// there is.
pub(crate) fn refuses(fault: &Fault) -> bool {
    matches!(fault.code.as_str(), "canary-errors" | "canary-status")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_all_digits_and_the_zone() {
        assert_eq!(ticks(0), "1970-01-01T00:00:00.0000000Z");
        assert_eq!(ticks(1_709_276_400_445_999_100), "2024-03-01T07:00:00.4459991Z");
        assert_eq!(ticks(-100), "1969-12-31T23:59:59.9999999Z");
    }

    #[test]
    fn one_tag_may_make_a_whole_answer_useless_and_a_busy_server_is_about_none() {
        for code in ["canary-errors", "malformed-answer", "continuation-loop", "continuation-unread", "http-500"] {
            assert!(isolates(&Fault::external(code, "x")), "{code}");
        }
        for code in ["timeout", "http-429", "http-503", "bad-user-token", "truncated-body"] {
            assert!(!isolates(&Fault::external(code, "x")), "{code}");
        }
    }
}
