//! The requests that a plugin may make: a method and a path pattern below the configured URL.

use std::fmt;
use std::str::FromStr;

use super::printable;
use crate::bindings::plugin as wit;

/// A kind of request, relative to the configured URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// `GET`, `POST`, …
    pub method: String,
    /// A path without the leading slash; `*` stands for exactly one segment. Empty is the configured URL itself.
    pub path: String,
}

impl Capability {
    pub(crate) fn check(said: wit::Capability) -> Result<Self, String> {
        let wit::Capability { method, path } = said;
        let shown = format!("`{} {}`", printable(&method), printable(&path));
        if method.is_empty() || method.len() > 16 || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("its capability {shown} has no valid method"));
        }
        let path = path.strip_prefix('/').unwrap_or(&path);
        if !path.is_empty() && !path.split('/').all(is_segment) {
            return Err(format!(
                "its capability {shown} is no plain path (no empty or dotted segment, no `%`, `?`, `#`; `*` is a whole segment)"
            ));
        }
        Ok(Self { method, path: path.to_owned() })
    }

    /// Whether every request of `other` is one of these too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (own, others): (Vec<&str>, Vec<&str>) = (self.segments().collect(), other.segments().collect());
        self.method == other.method
            && own.len() == others.len()
            && own.iter().zip(&others).all(|(own, other)| *own == "*" || own == other)
    }

    /// The requests that are of both kinds; none where there are no such requests.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        let (own, others): (Vec<&str>, Vec<&str>) = (self.segments().collect(), other.segments().collect());
        if self.method != other.method || own.len() != others.len() {
            return None;
        }
        let narrower = |(own, other): (&&str, &&str)| match (*own, *other) {
            ("*", other) => Some(other.to_owned()),
            (own, other) => (other == "*" || own == other).then(|| own.to_owned()),
        };
        let path: Option<Vec<String>> = own.iter().zip(&others).map(narrower).collect();
        Some(Self { method: self.method.clone(), path: path?.join("/") })
    }

    /// The segments of the pattern.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|segment| !segment.is_empty())
    }
}

fn is_segment(segment: &str) -> bool {
    segment == "*" || is_literal(segment)
}

/// Whether a segment stands for itself, and means the same to everybody.
pub(super) fn is_literal(segment: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~$@!(),:=+".contains(c);
    !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(plain)
}

impl FromStr for Capability {
    type Err = String;

    /// Reads what `Display` writes: `GET /path/*`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (method, path) = text.split_once(' ').unwrap_or((text, ""));
        Self::check(wit::Capability { method: method.to_owned(), path: path.trim().to_owned() })
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str) -> Result<Capability, String> {
        Capability::check(wit::Capability { method: method.into(), path: path.into() })
    }

    #[test]
    fn a_leading_slash_makes_no_difference() {
        assert_eq!(check("GET", "/streams/*/recorded"), check("GET", "streams/*/recorded"));
        assert!(check("GET", "").is_ok() && check("GET", "/").is_ok());
    }

    #[test]
    fn what_two_patterns_share_is_the_narrower_in_each_segment() {
        let meet = |one: &str, other: &str| {
            let read = |text: &str| text.parse::<Capability>().unwrap();
            read(one).meet(&read(other)).map(|shared| shared.to_string())
        };
        assert_eq!(meet("GET /a/*", "GET /a/b"), Some("GET /a/b".to_owned()));
        assert_eq!(meet("GET /*/b/c", "GET /a/*/c"), Some("GET /a/b/c".to_owned()));
        assert_eq!(meet("GET /a", "GET /a"), Some("GET /a".to_owned()));
        assert_eq!(meet("GET /a", "POST /a"), None);
        assert_eq!(meet("GET /a/*", "GET /a"), None);
        assert_eq!(meet("GET /a", "GET /b"), None);
    }

    #[test]
    fn a_wider_pattern_covers_a_narrower_one_and_not_the_other_way_round() {
        let capability = |path: &str| check("GET", path).unwrap();
        assert!(capability("a/*").covers(&capability("a/b")) && capability("a/*").covers(&capability("a/*")));
        assert!(!capability("a/b").covers(&capability("a/*")) && !capability("a/*").covers(&capability("a/b/c")));
        assert!(!check("POST", "a").unwrap().covers(&capability("a")));
    }

    #[test]
    fn patterns_that_could_mean_more_than_they_say_are_refused() {
        for path in ["a//b", "a/", "../x", "a/./b", "a/%2e%2e", "a?b", "a#b", "a*", "**", "a\\b", "a b", "a/\u{0}"] {
            assert!(check("GET", path).is_err(), "{path}");
        }
        for method in ["", "get", "GE T", "G\nET", "*"] {
            assert!(check(method, "a").is_err(), "{method}");
        }
    }
}
