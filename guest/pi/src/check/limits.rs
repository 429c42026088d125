//! The server's own limits: read from its configuration where that is permitted, else as far as it tells by refusing.

use serde_json::Value;
use tidegate_sdk::Finding;

use crate::{api::Point, batch::Batch, probe, server::Server};

const ITEMS: &str = "MaxReturnedItemsPerCall";
const REQUESTS: &str = "RateLimitMaxRequests";
const DURATION: &str = "RateLimitDuration";

/// Refused by any server that has a limit at all; asked for at an instant without events.
const TOO_MANY: usize = i32::MAX as usize;

const ASK: &str = "not readable: ask the administrator for MaxReturnedItemsPerCall, RateLimitMaxRequests; keep \
                   performance.max_count_per_request and max_requests_per_second below them";

/// What is known of the limits.
pub(super) async fn check(server: &Server, point: Option<&Point>) -> Finding {
    if let Ok(configuration) = server.get::<Value>("/system/configuration", &[]).await
        && let Some(said) = configured(&configuration)
    {
        return Finding::ok("limits", said);
    }
    let refused = match point {
        Some(point) => probe::page(&mut Batch::new(server, None), &point.web_id, TOO_MANY).await.ok(),
        None => None,
    };
    match refused.and_then(Result::err).and_then(|refusal| probe::limit_of(&refusal)) {
        Some(limit) => {
            Finding::warning("limits", format!("{ITEMS} {limit}, as a refusal says; {REQUESTS} is not readable"), ASK)
        }
        None => Finding::warning("limits", format!("{ITEMS} and {REQUESTS} are not readable"), ASK),
    }
}

/// The limits in a configuration, if it names any.
fn configured(configuration: &Value) -> Option<String> {
    let items = number(configuration, ITEMS).map(|items| format!("{ITEMS} {items}"));
    let requests = number(configuration, REQUESTS).map(|requests| match number(configuration, DURATION) {
        Some(seconds) => format!("{REQUESTS} {requests} in {seconds} s"),
        None => format!("{REQUESTS} {requests}"),
    });
    let said: Vec<String> = items.into_iter().chain(requests).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// A key of an object, or the entry of that name in a list; its value bare or wrapped.
fn number(configuration: &Value, key: &str) -> Option<String> {
    let listed = || {
        let items = configuration.get("Items")?.as_array()?;
        items.iter().find(|item| ["Name", "Key"].iter().any(|name| item.get(*name).is_some_and(|name| name == key)))
    };
    let entry = configuration.get(key).or_else(listed)?;
    match entry.get("Value").unwrap_or(entry) {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if text.parse::<f64>().is_ok() => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn limits_are_found_in_whichever_shape_the_configuration_has() {
        let plain =
            json!({ "MaxReturnedItemsPerCall": 150_000, "RateLimitMaxRequests": 1_000, "RateLimitDuration": 1 });
        let expected = Some("MaxReturnedItemsPerCall 150000, RateLimitMaxRequests 1000 in 1 s".to_owned());
        assert_eq!(configured(&plain), expected);
        let listed = json!({ "Items": [
            { "Name": "MaxReturnedItemsPerCall", "Value": "1500" },
            { "Name": "AuthenticationMethods", "Value": ["Basic"] },
        ]});
        assert_eq!(configured(&listed), Some("MaxReturnedItemsPerCall 1500".to_owned()));
        assert_eq!(
            configured(&json!({ "RateLimitMaxRequests": { "Value": 7 } })),
            Some("RateLimitMaxRequests 7".into())
        );
        assert_eq!(configured(&json!({ "Items": [] })), None);
    }
}
