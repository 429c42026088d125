//! Kinds of text that a JSON Schema has no word for. The schema names them as `format`; each is a function that says what
//! is wrong with a text.

use chrono::NaiveTime;
use url::Url;

use super::durations;

/// A kind of text: says what is wrong with one.
type Check = fn(&str) -> Result<(), String>;

/// Every format of the schema.
pub(super) const ALL: [(&str, Check); 9] = [
    ("tidegate-name", name),
    ("tidegate-identifier", identifier),
    ("tidegate-table", |text| table(text).map(drop)),
    ("tidegate-http-url", |text| http_url(text).map(drop)),
    ("tidegate-duration", |text| durations::duration(text).map(drop)),
    ("tidegate-time", |text| durations::time(text).map(drop)),
    ("tidegate-size", |text| durations::size(text).map(drop)),
    ("tidegate-clock", |text| clock(text).map(drop)),
    ("tidegate-cron", cron),
];

/// What is wrong with `text` as a `format`; nothing where the format is not one of ours.
#[must_use]
pub(super) fn wrong(format: &str, text: &str) -> Option<String> {
    let (_, check) = ALL.iter().find(|(name, _)| *name == format)?;
    check(text).err()
}

/// The URL of an HTTP API without a trailing slash.
///
/// # Errors
/// What is wrong with it; never quotes it, for it may hold a password.
pub(super) fn http_url(text: &str) -> Result<Url, String> {
    let mut url =
        Url::parse(text.trim()).map_err(|error| format!("is not a URL such as https://acme.example/api ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err("must be a URL that begins with https:// (or http://) and a host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or a password; they belong under `auth`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold `?` or `#`; it is the base of all requests".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A time of day: `07:30`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn clock(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| "must be a time of day such as 07:30".to_owned())
}

/// Splits `schema.table`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn table(text: &str) -> Result<(String, String), String> {
    match text.split_once('.') {
        Some((schema, table)) if identifier(schema).is_ok() && identifier(table).is_ok() => {
            Ok((schema.to_owned(), table.to_owned()))
        }
        _ => Err("must be schema.table, such as checkpoints.acme_watermarks".to_owned()),
    }
}

fn name(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && text.len() <= 64 && text.chars().all(fits) {
        return Ok(());
    }
    Err("must be 1 to 64 letters, digits, `-`, `_` or `.`, and begin with a letter or digit".to_owned())
}

fn identifier(text: &str) -> Result<(), String> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if starts && text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(());
    }
    Err("must be letters, digits and `_`, and not begin with a digit".to_owned())
}

fn cron(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | ',' | '-');
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() == 5 && fields.iter().all(|field| field.chars().all(fits)) {
        return Ok(());
    }
    Err("must be five fields (minute, hour, day of month, month, day of week), such as \"*/10 * * * *\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_loses_its_trailing_slash_and_nothing_else() {
        assert_eq!(http_url("https://acme.example/api/").unwrap().as_str(), "https://acme.example/api");
        assert_eq!(http_url("http://127.0.0.1:8080").unwrap().as_str(), "http://127.0.0.1:8080/");
        assert_eq!(http_url("https://acme.example:444/a/b").unwrap().as_str(), "https://acme.example:444/a/b");
    }

    #[test]
    fn a_base_url_with_credentials_or_a_query_is_refused_without_quoting_it() {
        for bad in [
            "https://jo:s3cret@acme.example/",
            "https://acme.example/?k=s3cret",
            "ftp://s3cret",
            "s3cret",
            "https://",
            "file:///etc",
        ] {
            let problem = http_url(bad).unwrap_err();
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn names_that_become_folders_are_plain() {
        for good in ["plant-a", "7", "a.b_c"] {
            assert_eq!(wrong("tidegate-name", good), None, "{good}");
        }
        for bad in ["", "../x", "a b", "-a", "é"] {
            assert!(wrong("tidegate-name", bad).is_some(), "{bad}");
        }
        assert_eq!(table("checkpoints.acme_watermarks"), Ok(("checkpoints".to_owned(), "acme_watermarks".to_owned())));
        for bad in ["watermarks", "a.b.c", "a.", "a b.c", "../a.b"] {
            assert!(table(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cron_line_has_five_fields() {
        assert_eq!(wrong("tidegate-cron", "*/10 * * * MON-FRI"), None);
        assert!(wrong("tidegate-cron", "@daily").is_some() && wrong("tidegate-cron", "* * * *").is_some());
    }
}
