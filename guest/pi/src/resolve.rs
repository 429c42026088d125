//! What the configuration selects → the points of the server.
//!
//! A tag named twice, by path and by WebId, is one series: points are told apart by data server and number, and known
//! by the WebId that the server itself returns. What is not found is reported under the name as configured; the
//! others go on.

mod attribute;
mod lookup;
mod name;
mod servers;

pub(crate) use lookup::{Question, lookup};
pub(crate) use name::Name;
pub(crate) use servers::{chosen, data_servers};

use std::collections::HashSet;

use tidegate_sdk::{
    Catalogue, Fault, Unresolved,
    host::{self, Level},
};

use crate::{
    api::{DataServer, Point, listed_point_fields},
    batch::Batch,
    listing::Listing,
    points, probe,
    server::Server,
    settings::{Settings, TagFilter},
    tag,
};

/// The points found and the names not found.
#[derive(Debug, Default)]
struct Found {
    points: Vec<Point>,
    seen: HashSet<String>,
    unresolved: Vec<Unresolved>,
}

/// Resolves the configuration, refreshes the catalogue, and finds out how the server wants its batches.
pub(crate) async fn series(settings: &Settings) -> Result<Catalogue, Fault> {
    let server = Server::new(settings);
    let mut batch = Batch::new(&server, None);
    let found = found(settings, &server, &mut batch).await?;
    points::emit(&found.points)?;
    let known = match found.points.first() {
        Some(point) => probe::batch(&mut batch, &point.web_id, settings.performance.max_count_per_request).await,
        None => probe::Known::default(),
    };
    let series = found.points.iter().map(|point| tag::series(point, known.dialect, known.limit)).collect();
    Ok(Catalogue { series, unresolved: found.unresolved })
}

/// Refreshes the catalogue alone.
pub(crate) async fn catalogue(settings: &Settings) -> Result<(), Fault> {
    let server = Server::new(settings);
    let found = found(settings, &server, &mut Batch::new(&server, None)).await?;
    points::emit(&found.points)
}

async fn found(settings: &Settings, server: &Server, batch: &mut Batch) -> Result<Found, Fault> {
    let ingestion = &settings.ingestion;
    match (ingestion.tags.as_deref(), &ingestion.af_filter) {
        (Some(tags), _) if !tags.is_empty() => by_name(settings, server, batch, tags).await,
        (_, Some(filter)) => attribute::points(settings, server, batch, filter).await,
        _ => by_pattern(settings, server, ingestion.tag_filter.clone().unwrap_or_default()).await,
    }
}

/// Whether the data server must be known: a WebId and a path carry it, a bare name and a pattern do not.
pub(crate) fn needs_home(settings: &Settings) -> bool {
    match settings.ingestion.tags.as_deref() {
        Some(tags) if !tags.is_empty() => tags.iter().any(|tag| Name::of(tag).is_bare()),
        _ => !settings.ingestion.selects_by_attribute(),
    }
}

async fn by_name(settings: &Settings, server: &Server, batch: &mut Batch, tags: &[String]) -> Result<Found, Fault> {
    let names: Vec<Name> = tags.iter().map(|tag| Name::of(tag)).collect();
    // Only a bare name needs to know its data server; a WebId and a path carry it.
    let home =
        if names.iter().any(Name::is_bare) { Some(chosen(settings, data_servers(server).await?)?) } else { None };
    let mut found = Found::default();
    let asked: Vec<(&String, Question)> =
        tags.iter().zip(&names).map(|(tag, name)| (tag, Question::new(name, home.as_ref()))).collect();
    for chunk in asked.chunks(settings.performance.batch_size) {
        let questions: Vec<_> = chunk.iter().map(|(_, question)| question.clone()).collect();
        for ((tag, _), answer) in chunk.iter().zip(lookup(batch, &questions).await?) {
            match answer {
                Ok(point) => found.add(point),
                Err(fault) => found.unresolved.push(Unresolved { name: (*tag).clone(), fault }),
            }
        }
    }
    Ok(found)
}

async fn by_pattern(settings: &Settings, server: &Server, filter: TagFilter) -> Result<Found, Fault> {
    let home = chosen(settings, data_servers(server).await?)?;
    let pattern = filter.name_pattern.unwrap_or_else(|| "*".to_owned());
    let most = filter.max_tags.unwrap_or(usize::MAX);
    let mut found = Found::default();
    let mut listing = listing(server, &home, &pattern);
    while let Some(page) = listing.page::<Point>().await? {
        for point in page {
            if point.web_id.is_empty() {
                let text = format!("the list of points has {} without a WebId; it cannot be read", point.name);
                return Err(Fault::external("malformed-answer", text));
            }
            if found.points.len() == most {
                let text =
                    format!("tag_filter: more than max_tags = {most} points match {pattern}; the rest is not read");
                host::log(Level::Warn, &text);
                return Ok(found);
            }
            found.add(point);
        }
    }
    if listing.is_torn() {
        // Each tag has a cursor of its own: one that is missed now gets all of its window when it is seen.
        let text =
            format!("the list of points of {} changed while it was read; the next run sees what is missing", home.name);
        host::log(Level::Warn, &text);
    }
    if found.points.is_empty() {
        host::log(Level::Warn, &format!("no point of {} that this account may read matches {pattern}", home.name));
    }
    Ok(found)
}

/// The points of a data server whose names match.
pub(crate) fn listing<'a>(server: &'a Server, home: &DataServer, pattern: &str) -> Listing<'a> {
    let path = format!("/dataservers/{}/points", tidegate_sdk::http::encode(&home.web_id));
    Listing::new(server, path, vec![("nameFilter", pattern.to_owned()), ("selectedFields", listed_point_fields())])
}

impl Found {
    fn holds(&self, point: &Point) -> bool {
        self.seen.contains(&identity(point))
    }

    fn add(&mut self, point: Point) {
        if self.seen.insert(identity(&point)) {
            self.points.push(point);
        }
    }
}

/// Data server and number; a WebId alone may be written in five forms.
fn identity(point: &Point) -> String {
    let server = point.path.strip_prefix(r"\\").and_then(|path| path.split('\\').next()).unwrap_or_default();
    match point.id {
        Some(id) if !server.is_empty() => format!("{}\\{id}", server.to_lowercase()),
        _ => point.web_id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(web_id: &str, id: Option<i64>, path: &str) -> Point {
        Point { web_id: web_id.into(), id, path: path.into(), ..Point::default() }
    }

    #[test]
    fn one_point_named_in_two_ways_is_one_series() {
        let mut found = Found::default();
        found.add(point("F1DPa", Some(7), r"\\SRV\A"));
        found.add(point("I1DPa", Some(7), r"\\srv\A"));
        found.add(point("F1DPb", Some(7), r"\\OTHER\A"));
        found.add(point("F1DPc", None, r"\\SRV\C"));
        found.add(point("F1DPc", None, r"\\SRV\C"));
        assert_eq!(found.points.len(), 3);
        assert_eq!(found.points[0].web_id, "F1DPa");
    }
}
