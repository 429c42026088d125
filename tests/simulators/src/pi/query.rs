//! The path and query of a request, decoded as ASP.NET decodes them, and the parameters most routes share.

use super::answer::Refusal;
use super::app::App;
use super::fields::Fields;
use super::time::{Zone, parse};
use super::webid::Form;
use crate::shared::query::pairs;
pub(crate) use crate::shared::query::percent_decode;

/// Decoded query parameters in their order; names are lower-cased, values may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a raw query string.
    pub(crate) fn parse(raw: &str) -> Query {
        Query { pairs: pairs(raw) }
    }

    /// Every parameter but those named, as a query string.
    pub(crate) fn rest(&self, without: &[&str]) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(self.pairs.iter().filter(|(name, _)| !without.contains(&name.as_str())));
        out.finish()
    }

    /// The first value of `name` (lower case).
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of `name` (lower case).
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// 400 for a parameter outside `known` (lower case), when the server is set to refuse such.
    pub(crate) fn only(&self, app: &App, known: &[&str]) -> Result<(), Refusal> {
        if !app.config.knobs.refuse_unknown_parameters {
            return Ok(());
        }
        match self.pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Refusal::bad(format!("Unknown parameter '{name}'."))),
            None => Ok(()),
        }
    }

    /// The selected fields.
    pub(crate) fn fields(&self) -> Fields {
        Fields::parse(self.one("selectedfields"))
    }

    /// The form of WebIds to return.
    pub(crate) fn form(&self) -> Result<Form, Refusal> {
        match self.one("webidtype") {
            None | Some("") => Ok(Form::Full),
            Some(name) => Form::parse(name).ok_or_else(|| Refusal::binding("webIdType", name)),
        }
    }

    /// A whole number; text that is none is refused as the framework's model binding does.
    pub(crate) fn number(&self, name: &str, label: &str, default: i64) -> Result<i64, Refusal> {
        match self.one(name) {
            None | Some("") => Ok(default),
            Some(text) => text.trim().parse().map_err(|_| Refusal::binding(label, text)),
        }
    }

    /// A boolean.
    pub(crate) fn flag(&self, name: &str, label: &str, default: bool) -> Result<bool, Refusal> {
        match self.one(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("") => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(text) => Err(Refusal::binding(label, text)),
        }
    }

    /// `maxCount`, at most `cap` or 400.
    pub(crate) fn max_count(&self, default: i64, cap: usize) -> Result<usize, Refusal> {
        let asked = self.number("maxcount", "maxCount", default)?;
        if asked < 1 {
            return Err(Refusal::bad("Parameter 'maxCount' must be greater than zero.".to_owned()));
        }
        let asked = usize::try_from(asked).unwrap_or(usize::MAX);
        if asked > cap && self.one("maxcount").is_some() {
            let text = format!("Parameter 'maxCount' is greater than the maximum allowed ({cap}).");
            return Err(Refusal::bad(text));
        }
        Ok(asked.min(cap))
    }

    /// `startIndex`.
    pub(crate) fn start_index(&self) -> Result<usize, Refusal> {
        let asked = self.number("startindex", "startIndex", 0)?;
        let text = || "Parameter 'startIndex' must not be negative.".to_owned();
        usize::try_from(asked).map_err(|_| Refusal::bad(text()))
    }

    /// The zone for times without offset.
    pub(crate) fn zone(&self, app: &App) -> Result<Zone, Refusal> {
        match self.one("timezone") {
            None | Some("") => Ok(Zone::minutes(app.config.knobs.local_zone_minutes)),
            Some(name) => {
                Zone::named(name).ok_or_else(|| Refusal::bad(format!("The time zone '{name}' was not found.")))
            }
        }
    }

    /// A time parameter in ticks.
    pub(crate) fn time(&self, app: &App, name: &str, label: &str, default: &str) -> Result<i64, Refusal> {
        let text = self.one(name).unwrap_or(default);
        parse(text, app.truth.clock().now(), self.zone(app)?)
            .ok_or_else(|| Refusal::bad(format!("Parameter '{label}': '{text}' is not a valid time.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_values_repeat() {
        let query = Query::parse("WebId=a&webid=b%26c&x=1+2%2B3&empty&bad=%zz%4");
        assert_eq!(query.all("webid"), ["a", "b&c"]);
        assert_eq!(query.one("x"), Some("1 2+3"));
        assert_eq!(query.one("empty"), Some(""));
        assert_eq!(query.one("bad"), Some("%zz%4"));
        assert_eq!(percent_decode("%D0%9A%FF", false), "К\u{fffd}");
    }
}
