//! Which headers pass the gate. What identifies somebody never crosses it in either direction; what belongs to one
//! connection belongs to the host's.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS;

/// Whether a header carries or asks for an identity. A guest that sets one is told that it must not.
pub(crate) fn is_identity(name: &HeaderName) -> bool {
    const NAMED: [HeaderName; 5] = [
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
        header::PROXY_AUTHORIZATION,
        header::PROXY_AUTHENTICATE,
    ];
    NAMED.contains(name)
        || matches!(name.as_str(), "cookie2" | "set-cookie2" | "authentication-info")
        || name.as_str().starts_with("proxy-")
}

/// Whether a guest may neither set nor see this header.
pub(crate) fn is_forbidden(name: &HeaderName) -> bool {
    is_identity(name) || DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

/// What of the guest's headers goes to the server. The client states the length, the host and the encodings itself.
pub(super) fn outgoing(guest: &HeaderMap) -> HeaderMap {
    const OURS: [HeaderName; 7] = [
        header::ACCEPT_ENCODING,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::REFERER,
        header::TE,
        header::TRAILER,
        header::USER_AGENT,
    ];
    pass(guest, |name| !is_forbidden(name) && !OURS.contains(name))
}

/// What of the server's headers the guest sees. Of a challenge it sees the scheme only: some carry tokens.
pub(super) fn incoming(server: &HeaderMap) -> HeaderMap {
    let mut headers =
        pass(server, |name| !is_forbidden(name) && *name != header::WWW_AUTHENTICATE && *name != header::TRAILER);
    for challenge in server.get_all(header::WWW_AUTHENTICATE) {
        let scheme = challenge.to_str().unwrap_or_default().split([' ', ',']).next().unwrap_or_default();
        if let Ok(scheme) = HeaderValue::from_str(scheme)
            && !scheme.is_empty()
        {
            headers.append(header::WWW_AUTHENTICATE, scheme);
        }
    }
    headers
}

fn pass(headers: &HeaderMap, allowed: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    // What the header `connection` names belongs to the connection as well.
    let connection = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<String> =
        connection.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect();
    let kept = headers.iter().filter(|(name, _)| allowed(name) && !hops.iter().any(|hop| hop == name.as_str()));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        headers.keys().map(HeaderName::as_str).collect()
    }

    #[test]
    fn an_identity_that_a_guest_sets_does_not_leave() {
        let guest = headers(&[
            ("authorization", "Bearer mine"),
            ("cookie", "a=b"),
            ("proxy-authorization", "x"),
            ("proxy-anything", "x"),
            ("host", "evil"),
            ("connection", "close, x-hop"),
            ("x-hop", "x"),
            ("transfer-encoding", "chunked"),
            ("content-length", "5"),
            ("x-requested-with", "tidegate"),
            ("content-type", "application/json"),
        ]);
        let mut kept = outgoing(&guest);
        assert_eq!(kept.remove("x-requested-with").unwrap(), "tidegate");
        assert_eq!(names(&kept), ["content-type"]);
    }

    #[test]
    fn tokens_of_the_server_do_not_reach_the_guest() {
        let server = headers(&[
            ("set-cookie", "session=s3cret"),
            ("www-authenticate", "Negotiate YIIs3cret"),
            ("www-authenticate", "Basic realm=\"x\""),
            ("authentication-info", "s3cret"),
            ("content-type", "application/json"),
        ]);
        let seen = incoming(&server);
        assert!(!format!("{seen:?}").contains("s3cret"));
        let challenges: Vec<_> = seen.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Negotiate", "Basic"]);
    }
}
