//! Where a request may go: the configured origin, and below the configured URL the methods and paths of the
//! capabilities. Decided from text alone, before anything else happens. What could be read in two ways is refused, not
//! interpreted: the server behind the gate may decode, join or split paths differently.

use http::{Method, Uri};
use url::Url;

use super::failure::Failure;
use crate::describe::{Capability, printable};

/// The origin and the paths that a plugin may reach.
#[derive(Debug)]
pub(super) struct Policy {
    base: Url,
    capabilities: Vec<Capability>,
}

impl Policy {
    pub(super) fn new(base: Url, capabilities: Vec<Capability>) -> Self {
        Self { base, capabilities }
    }

    /// The configured host, for messages.
    pub(super) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// The URL of one of the host's own calls.
    pub(super) fn own(&self, call: &Capability) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{}", self.base.path().trim_end_matches('/'), call.path));
        url
    }

    /// The URL to ask for `uri`, or why not.
    pub(super) fn admit(&self, method: &Method, uri: &Uri) -> Result<Url, Failure> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let rest = uri.path_and_query().map_or("/", |rest| rest.as_str());
        let text = format!("{}://{authority}{rest}", uri.scheme_str().unwrap_or_default());
        let url = Url::parse(&text).map_err(|_| self.strange(method, uri.path()))?;
        // A URL parser resolves dots, backslashes and tabs; what it had to change was not plain.
        let path = if uri.path().is_empty() { "/" } else { uri.path() };
        if url.path() != path {
            return Err(self.strange(method, uri.path()));
        }
        self.admit_url(method, &url)?;
        Ok(url)
    }

    /// Whether `url` may be asked for.
    pub(super) fn admit_url(&self, method: &Method, url: &Url) -> Result<(), Failure> {
        self.check_origin(url)?;
        let segments = self.segments(url.path()).ok_or_else(|| self.strange(method, url.path()))?;
        if self.capabilities.iter().any(|capability| allows(capability, method, &segments)) {
            return Ok(());
        }
        let line = format!("{method} /{}", printable(&segments.join("/")));
        Err(Failure::refused(
            format!("the plugin asked for `{line}`, which none of its capabilities allows"),
            "it is not among the requests that the plugin says it makes (tidegate plugin inspect); whoever makes the plugin \
             has to add it to them",
        ))
    }

    fn check_origin(&self, url: &Url) -> Result<(), Failure> {
        let credentials = !url.username().is_empty() || url.password().is_some();
        let same = url.scheme() == self.base.scheme()
            && url.host() == self.base.host()
            && url.port_or_known_default() == self.base.port_or_known_default();
        if same && !credentials {
            return Ok(());
        }
        let asked = printable(&url.origin().ascii_serialization());
        let only = self.base.origin().ascii_serialization();
        Err(Failure::refused(
            format!("the plugin asked for another origin, {asked}; it may reach {only} only"),
            "source.url is the only origin that a plugin reaches",
        ))
    }

    /// The segments of `path` below the base; `None` when it lies outside or is not plain.
    fn segments<'a>(&self, path: &'a str) -> Option<Vec<&'a str>> {
        let base = self.base.path().trim_end_matches('/');
        let below = path.strip_prefix(base)?;
        match below {
            "" | "/" => Some(Vec::new()),
            _ => {
                let segments: Vec<&str> = below.strip_prefix('/')?.split('/').collect();
                segments.iter().all(|segment| is_plain(segment)).then_some(segments)
            }
        }
    }

    fn strange(&self, method: &Method, path: &str) -> Failure {
        Failure::refused(
            format!(
                "the plugin asked for `{method} {}`, which lies outside of {} or is no plain path (empty or dotted segments, encoded slashes)",
                printable(path),
                self.base.path()
            ),
            "the plugin has to ask for a plain path below source.url",
        )
    }
}

fn allows(capability: &Capability, method: &Method, segments: &[&str]) -> bool {
    let pattern: Vec<&str> = capability.segments().collect();
    capability.method == method.as_str()
        && pattern.len() == segments.len()
        && pattern.iter().zip(segments).all(|(pattern, segment)| *pattern == "*" || pattern == segment)
}

/// Whether a segment means the same to everybody: it is not empty, no dots to climb with (`;` starts a parameter in
/// some servers), and nothing in it turns into a slash, a backslash or a control character, decoded once or twice.
fn is_plain(segment: &str) -> bool {
    let Some(once) = decode(segment.as_bytes()) else { return false };
    let harmless = |text: &[u8]| !text.iter().any(|byte| matches!(byte, b'/' | b'\\') || byte.is_ascii_control());
    let climbs = |text: &[u8]| {
        let name = text.split(|byte| *byte == b';').next().unwrap_or_default();
        name.is_empty() || name == b"." || name == b".."
    };
    // A `%` that stays after decoding is a literal one, unless it could be decoded again.
    let twice = decode(&once).unwrap_or_else(|| once.clone());
    [segment.as_bytes(), &once, &twice].into_iter().all(|text| harmless(text) && !climbs(text))
}

/// Percent-decoding; `None` where it is malformed.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'%' {
            decoded.push(*byte);
            continue;
        }
        let high = char::from(*bytes.next()?).to_digit(16)?;
        let low = char::from(*bytes.next()?).to_digit(16)?;
        decoded.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let capability = |method: &str, path: &str| Capability { method: method.into(), path: path.into() };
        Policy::new(
            Url::parse("https://acme.corp.com/api").unwrap(),
            vec![capability("POST", "batch"), capability("GET", "streams/*/recorded"), capability("GET", "")],
        )
    }

    fn refusal(method: Method, uri: &str) -> Option<String> {
        match uri.parse::<Uri>() {
            Ok(uri) => policy().admit(&method, &uri).err().map(|failure| failure.note.to_string()),
            Err(_) => Some("no URI".to_owned()),
        }
    }

    fn admitted(method: Method, uri: &str) -> bool {
        refusal(method, uri).is_none()
    }

    #[test]
    fn a_granted_method_and_path_passes_with_any_query() {
        assert!(admitted(Method::POST, "https://acme.corp.com/api/batch"));
        assert!(admitted(Method::GET, "https://ACME.corp.com:443/api/streams/F1XY/recorded?startTime=*-1d&x=a/b"));
        assert!(
            admitted(Method::GET, "https://acme.corp.com/api/") && admitted(Method::GET, "https://acme.corp.com/api")
        );
    }

    #[test]
    fn the_query_reaches_the_server_and_never_a_message() {
        let uri: Uri = "https://acme.corp.com/api/streams/F/recorded?a=%5C%5Cx".parse().unwrap();
        assert_eq!(policy().admit(&Method::GET, &uri).unwrap().query(), Some("a=%5C%5Cx"));
        let refused = refusal(Method::GET, "https://acme.corp.com/api/other?token=s3cret").unwrap();
        assert!(
            !refused.contains("s3cret") && refused.contains("`GET /other`, which none of its capabilities"),
            "{refused}"
        );
    }

    #[test]
    fn another_origin_is_refused() {
        for origin in [
            "https://evil.com",
            "http://acme.corp.com",
            "https://acme.corp.com:8443",
            "https://acme.corp.com.evil.com",
            "https://acme.corp.com@evil.com",
            "https://user@acme.corp.com",
            "https://acme.corp.com.",
            "https://169.254.169.254",
        ] {
            assert!(!admitted(Method::POST, &format!("{origin}/api/batch")), "{origin}");
        }
        let refused = refusal(Method::POST, "https://evil.com/api/batch").unwrap();
        assert!(
            refused.contains("another origin, https://evil.com; it may reach https://acme.corp.com only"),
            "{refused}"
        );
    }

    #[test]
    fn another_method_is_refused() {
        assert!(!admitted(Method::GET, "https://acme.corp.com/api/batch"));
        assert!(!admitted(Method::DELETE, "https://acme.corp.com/api/streams/F/recorded"));
    }

    #[test]
    fn a_star_stands_for_exactly_one_segment() {
        for path in [
            "streams/recorded",
            "streams/a/b/recorded",
            "streams//recorded",
            "streams/a/recorded/x",
            "streams/a/recorded/",
        ] {
            assert!(!admitted(Method::GET, &format!("https://acme.corp.com/api/{path}")), "{path}");
        }
    }

    #[test]
    fn a_path_outside_of_the_base_is_refused() {
        for path in ["/", "/batch", "/api2/batch", "/apibatch", "/API/batch", "//api/batch", "/x/api/batch"] {
            assert!(!admitted(Method::POST, &format!("https://acme.corp.com{path}")), "{path}");
        }
    }

    #[test]
    fn no_spelling_of_a_segment_climbs_or_splits() {
        for segment in [
            "..",
            ".",
            "%2e%2e",
            "%2E.",
            ".%2e",
            "%252e%252e",
            "a%2Fb",
            "a%2fb",
            "a%5Cb",
            "a%252Fb",
            "a%255cb",
            "..;",
            "..;x=1",
            "%2e%2e%3b",
            ";x",
            "a%00",
            "a%0ab",
            "%",
            "%2",
            "%zz",
            "%2f",
            "",
            "..%2f..",
        ] {
            assert!(
                !admitted(Method::GET, &format!("https://acme.corp.com/api/streams/{segment}/recorded")),
                "{segment}"
            );
        }
        let climbing = "https://acme.corp.com/api/streams/../streams/x/recorded";
        assert!(!admitted(Method::GET, climbing));
    }

    #[test]
    fn names_with_special_letters_pass_as_one_segment() {
        for segment in ["F1XYabc-_", "a%20b", "100%25", "%C3%A4", "a;b", "x..y", "a:b", "%E6%B8%A9"] {
            assert!(
                admitted(Method::GET, &format!("https://acme.corp.com/api/streams/{segment}/recorded")),
                "{segment}"
            );
        }
    }
}
