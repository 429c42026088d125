//! `GET /points/search`: the AF SDK's point query, as far as tags are told apart by it. Since 2021 SP3.

use std::sync::Arc;

use crate::pi::answer::{Head, Refusal};
use crate::pi::app::Call;
use crate::pi::tag::Tag;
use crate::pi::wildcard;

/// `maxCount` may never be larger on this route.
const CAP: usize = 1000;

/// One `Name:=value` of a query.
#[derive(Debug, PartialEq, Eq)]
struct Term {
    field: Field,
    negated: bool,
    value: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Name,
    PointType,
    Descriptor,
    EngUnits,
}

/// Splits at blanks outside quotes; the quotes go.
fn words(query: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut open = false;
    for c in query.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if c == '\'' || c == '"' => (quote, open) = (Some(c), true),
            None if c.is_whitespace() => {
                if open || words.last().is_some_and(|word| !word.is_empty()) {
                    words.push(String::new());
                }
                open = false;
            }
            _ => words.last_mut()?.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    quote.is_none().then_some(words)
}

/// Reads a query; the text of the problem otherwise.
fn parse(query: &str) -> Result<Vec<Term>, String> {
    let words = words(query).ok_or_else(|| "The query has an unclosed quote.".to_owned())?;
    let mut terms = Vec::new();
    for word in words {
        let (field, rest) = match word.split_once(':') {
            None => ("name", format!("={word}")),
            Some((field, rest)) => (field, rest.to_owned()),
        };
        let field = match field.to_ascii_lowercase().as_str() {
            "name" | "tag" => Field::Name,
            "pointtype" => Field::PointType,
            "descriptor" | "description" => Field::Descriptor,
            "engunits" => Field::EngUnits,
            other => return Err(format!("The query filter '{other}' is not supported.")),
        };
        let (negated, value) = match (rest.strip_prefix("<>"), rest.strip_prefix('=')) {
            (Some(value), _) => (true, value),
            (_, Some(value)) => (false, value),
            _ => return Err(format!("The query filter '{word}' has no operator.")),
        };
        terms.push(Term { field, negated, value: value.to_owned() });
    }
    Ok(terms)
}

impl Term {
    fn holds(&self, tag: &Tag) -> bool {
        let point = &tag.point;
        let text = match self.field {
            Field::Name => point.name.as_str(),
            Field::PointType => point.kind.point_type(),
            Field::Descriptor => point.descriptor.as_str(),
            Field::EngUnits => point.units,
        };
        wildcard::matches(&self.value, text) != self.negated
    }
}

/// `GET /points/search?dataServerWebId=…&query=…`.
pub(super) fn search(call: &Call<'_>, out: &mut Vec<u8>) -> Result<Head, Refusal> {
    let known = [
        "dataserverwebid",
        "query",
        "startindex",
        "maxcount",
        "searchnameanddescriptor",
        "searchoption",
        "selectedfields",
        "webidtype",
    ];
    call.query.only(call.app, &known)?;
    if let Some(server) = call.query.one("dataserverwebid") {
        super::servers::expect(call, server)?;
    }
    let query = call.query.one("query").unwrap_or("*");
    let terms = parse(query).map_err(Refusal::bad)?;
    let catalogue = call.app.truth.catalogue();
    let found: Vec<&Arc<Tag>> =
        catalogue.tags.iter().filter(|tag| tag.hidden.is_none() && terms.iter().all(|term| term.holds(tag))).collect();
    super::points::page(call, out, &found, CAP, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_read_as_af_does() {
        let terms = parse("Tag:='a b*' PointType:=Float32 plain").unwrap();
        assert_eq!(terms.len(), 3);
        assert_eq!(terms[0], Term { field: Field::Name, negated: false, value: "a b*".into() });
        assert_eq!(terms[2], Term { field: Field::Name, negated: false, value: "plain".into() });
        assert!(parse("Nonsense:=1").is_err());
        assert!(parse("Tag:='open").is_err());
        assert!(parse("Tag:FIC").is_err());
    }
}
