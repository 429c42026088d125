//! What the configuration selects → the tags of the server.
//!
//! A tag is known by its `historianItemId`, the stored item behind its path (§5.5), and only where there is none, as for a
//! calculated tag, by the path. Virtual views map and rename the same items: by the path, a view that is built anew would
//! make a new series of each, with a cursor of its own and all of its history read again, and an item that is reached by two
//! paths would be stored twice. The path is what it is read by, and is kept as its name.

use std::collections::{BTreeSet, HashSet};

use tidegate_sdk::{
    Catalogue, Fault, Instant, Unresolved,
    host::{self, Level},
    pattern::matches,
    time::now,
};

use crate::{
    browse::Browse,
    catalogue::{Contexts, Descriptions, LEFT_OUT, contexts, properties},
    pages::unknown_tag,
    points::{self, Point},
    server::{Server, refuses},
    settings::{Settings, TagFilter},
    view,
};

/// Samples further ahead of now than this, in nanoseconds, are no clock that is a little fast.
const AHEAD: Instant = 3_600_000_000_000;

/// The tags found and the names not found.
#[derive(Debug, Default)]
struct Found {
    points: Vec<Point>,
    unresolved: Vec<Unresolved>,
    /// Paths that lead to an item that another path leads to already.
    twice: usize,
}

/// Resolves the configuration and refreshes the catalogue.
pub(crate) async fn series(settings: &Settings) -> Result<Catalogue, Fault> {
    let found = found(settings).await?;
    points::emit(&found.points)?;
    Ok(Catalogue { series: found.points.iter().map(Point::series).collect(), unresolved: found.unresolved })
}

/// Refreshes the catalogue alone.
pub(crate) async fn catalogue(settings: &Settings) -> Result<(), Fault> {
    points::emit(&found(settings).await?.points)
}

async fn found(settings: &Settings) -> Result<Found, Fault> {
    let server = Server::new(settings);
    let views = view::views(&server).await?;
    let view = view::chosen(&server, settings, &views).await?;
    let ingestion = &settings.ingestion;
    let mut found = match ingestion.named() {
        [] => {
            let filter = ingestion.tag_filter.clone().unwrap_or_default();
            let paths = by_filter(&server, &view, &views, &filter, ingestion.wants_diagnostics()).await?;
            let contexts = contexts(&server, paths.iter().map(String::as_str)).await?;
            told(paths.into_iter().map(|path| (path.clone(), path)), contexts, now())
        }
        names => by_name(&server, &view, &views, names).await?,
    };
    if found.twice > 0 {
        let text = format!("{} paths lead to tags that are read by another path already", found.twice);
        host::log(Level::Info, &text);
    }
    let descriptions = properties(&server, found.points.iter().map(|point| point.path.as_str())).await?;
    found.describe(descriptions);
    Ok(found)
}

impl Found {
    /// Adds the properties. A tag whose properties cannot be read now is not read at all: nobody knows its unit.
    fn describe(&mut self, mut descriptions: Descriptions) {
        for mut point in std::mem::take(&mut self.points) {
            match descriptions.failed.remove(&point.path) {
                Some(fault) => self.unresolved.push(Unresolved { name: point.path, fault }),
                None => {
                    point.described = descriptions.texts.remove(&point.path).unwrap_or_default();
                    self.points.push(point);
                }
            }
        }
    }
}

/// The tags of the view that the filter lets pass, in the order of their paths: which of two paths to one item is taken must
/// not depend on how the server lists them.
async fn by_filter(
    server: &Server,
    view: &str,
    views: &[String],
    filter: &TagFilter,
    diagnostics: bool,
) -> Result<Vec<String>, Fault> {
    let search = filter.search.as_deref().unwrap_or_default();
    let roots = match filter.path.as_deref() {
        Some(path) => view::meanings(path, view, views),
        None => vec![view.to_owned()],
    };
    let mut paths = Vec::new();
    let mut refused = None;
    for root in &roots {
        match Browse::new(server, root, search).all().await {
            // The server may take an unknown node for an error; there may be another meaning to try.
            Err(fault) if refuses(&fault) => refused = refused.or(Some(fault)),
            found => paths = found?,
        }
        if !paths.is_empty() {
            break;
        }
    }
    if let Some(fault) = refused.filter(|_| paths.is_empty()) {
        return Err(fault);
    }
    paths.retain(|path| passes(path, view, filter, diagnostics));
    paths.sort_unstable();
    if paths.is_empty() {
        host::log(
            Level::Warn,
            &format!("no tag of {} that this account is shown passes tag_filter", roots.join(" or ")),
        );
    }
    if let Some(most) = filter.max_tags.filter(|most| paths.len() > *most) {
        host::log(Level::Warn, &format!("tag_filter: more than max_tags = {most} tags match; the rest is not read"));
        paths.truncate(most);
    }
    Ok(paths)
}

fn passes(path: &str, view: &str, filter: &TagFilter, diagnostics: bool) -> bool {
    let pattern = filter.name_pattern.as_deref().unwrap_or("*");
    (diagnostics || !view::is_diagnostic(view, path)) && matches(pattern, view::inside(view, path).unwrap_or(path))
}

/// The tags that are listed. What the server knows nothing of may be a calculated tag without samples: the list of its view
/// tells, and is asked for only then.
async fn by_name(server: &Server, view: &str, views: &[String], names: &[String]) -> Result<Found, Fault> {
    let meant: Vec<(&String, Vec<String>)> =
        names.iter().map(|name| (name, view::meanings(name, view, views))).collect();
    let mut found = Contexts::default();
    // The second meaning is asked about only where the first is nothing: the server may take an unknown tag for an error.
    for round in 0..2 {
        let open = meant.iter().filter(|(_, paths)| known(paths, &found).is_none());
        // A path that several names mean is asked about once: the answer tells of it once.
        let mut once = HashSet::new();
        let asked = open.filter_map(|(_, paths)| paths.get(round)).map(String::as_str);
        let paths: Vec<&str> = asked.filter(|path| once.insert(*path)).collect();
        let more = contexts(server, paths).await?;
        found.contexts.extend(more.contexts);
        found.failed.extend(more.failed);
    }
    let mut listed: HashSet<String> = HashSet::new();
    for root in to_list(meant.iter().map(|(_, paths)| paths.as_slice()), &found, view, views) {
        listed.extend(Browse::new(server, root, "").all().await?.iter().map(|path| path.to_lowercase()));
    }
    let mut chosen: Vec<(String, String)> = Vec::new();
    let mut unresolved = Vec::new();
    for (name, paths) in &meant {
        let shown = || paths.iter().find(|path| listed.contains(&path.to_lowercase()));
        match known(paths, &found).or_else(|| shown().map(Ok)) {
            Some(Ok(path)) => chosen.push(((*name).clone(), path.clone())),
            Some(Err(fault)) => unresolved.push(Unresolved { name: (*name).clone(), fault: fault.clone() }),
            None => {
                // A tag of which nothing is said and that the list does not show is none.
                let mut failed = paths.iter().filter_map(|path| found.failed.get(path));
                let fault = failed.find(|fault| fault.code != LEFT_OUT).cloned().unwrap_or_else(|| unknown_tag(name));
                unresolved.push(Unresolved { name: (*name).clone(), fault });
            }
        }
    }
    let mut told = told(chosen, found, now());
    told.unresolved.extend(unresolved);
    Ok(told)
}

/// The first of the paths that a name may mean that is not nothing: the server knows of it, or could not say what it is, and
/// why. Were that taken for nothing, the name would mean another tag for as long as the failure lasts. `None` where all are
/// nothing, as far as the server says.
fn known<'a>(paths: &'a [String], found: &'a Contexts) -> Option<Result<&'a String, &'a Fault>> {
    paths.iter().find_map(|path| match found.failed.get(path) {
        _ if found.knows(path) => Some(Ok(path)),
        Some(fault) if !refuses(fault) && fault.code != LEFT_OUT => Some(Err(fault)),
        _ => None,
    })
}

/// The views in which the names of which the server knows nothing may lie: `view`, and each that one of them begins with.
fn to_list<'a, 'b>(
    meant: impl Iterator<Item = &'b [String]>,
    found: &Contexts,
    view: &'a str,
    views: &'a [String],
) -> BTreeSet<&'a str> {
    let nothing = meant.filter(|paths| known(paths, found).is_none()).flatten();
    nothing.flat_map(|path| view::begins(path, views).map(|(view, _)| view).into_iter().chain([view])).collect()
}

/// The tags behind paths, each path and each stored item once. `asked` holds names as configured, and paths.
///
/// Of a path that the server could not tell about nobody knows which item it is: taken by its path, it would be another
/// series than the last time.
fn told(asked: impl IntoIterator<Item = (String, String)>, contexts: Contexts, now: Instant) -> Found {
    let Contexts { mut contexts, failed } = contexts;
    let mut found = Found::default();
    let (mut paths, mut seen) = (HashSet::new(), HashSet::new());
    for (name, path) in asked {
        if let Some(fault) = failed.get(&path).cloned() {
            found.unresolved.push(Unresolved { name, fault });
            continue;
        }
        // Named twice: the context of a path is there once.
        if !paths.insert(path.clone()) {
            continue;
        }
        let context = contexts.remove(&path).unwrap_or_default();
        let ahead = context.latest().is_some_and(|latest| latest > now.saturating_add(AHEAD));
        let id = context.historian_item_id.filter(|id| !id.is_empty()).unwrap_or_else(|| path.clone());
        if !seen.insert(id.clone()) {
            found.twice += 1;
            continue;
        }
        found.points.push(Point { id, path, ahead, ..Point::default() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Context;

    fn context(id: &str, latest: &str) -> Context {
        Context { historian_item_id: Some(id.into()), latest_time_stamp: Some(latest.into()), ..Context::default() }
    }

    #[test]
    fn an_item_that_is_reached_by_two_paths_is_one_series() {
        let mut contexts = Contexts::default();
        contexts.contexts.insert("UNS.Pump".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
        contexts.contexts.insert("PLANT.DS.Tag".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
        contexts.contexts.insert("UNS.Calc".into(), Context::default());
        contexts.failed.insert("UNS.Locked".into(), Fault::external("canary-errors", "x"));
        let paths =
            ["PLANT.DS.Tag", "UNS.Calc", "UNS.Locked", "UNS.Pump"].map(|path| (path.to_owned(), path.to_owned()));
        let found = told(paths, contexts, 0);
        let ids: Vec<_> = found.points.iter().map(|point| (point.id.as_str(), point.path.as_str())).collect();
        assert_eq!(ids, [("localhost.DS.Tag", "PLANT.DS.Tag"), ("UNS.Calc", "UNS.Calc")]);
        assert_eq!(found.unresolved.first().unwrap().name, "UNS.Locked");
    }

    #[test]
    fn a_failure_on_what_a_name_means_first_is_no_reason_to_take_the_second() {
        let views = ["PLANT", "UNS"].map(str::to_owned);
        let paths = view::meanings("UNS.Site.x", "PLANT", &views);
        let with = |fault: Option<Fault>| {
            let mut found = Contexts::default();
            found.failed.extend(fault.map(|fault| ("UNS.Site.x".to_owned(), fault)));
            found.contexts.insert("PLANT.UNS.Site.x".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
            known(&paths, &found).unwrap().cloned().map_err(|fault| fault.code.clone())
        };
        for code in ["http-500", "malformed-answer", "response-too-large"] {
            assert_eq!(with(Some(Fault::external(code, "x"))), Err(code.to_owned()));
        }
        for code in ["canary-errors", LEFT_OUT] {
            assert_eq!(with(Some(Fault::external(code, "x"))).unwrap(), "PLANT.UNS.Site.x", "{code}");
        }
        assert_eq!(with(None).unwrap(), "PLANT.UNS.Site.x");
        let mut found = Contexts::default();
        found.failed.insert("PLANT.UNS.Site.x".into(), Fault::external("http-500", "x"));
        found.contexts.insert("UNS.Site.x".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
        assert_eq!(known(&paths, &found).unwrap().unwrap(), "UNS.Site.x");
        found.contexts.insert("UNS.Site.x".into(), Context::default());
        assert_eq!(known(&paths, &found).unwrap().unwrap_err().code, "http-500");
        found.failed.clear();
        assert!(known(&paths, &found).is_none());
    }

    #[test]
    fn what_the_server_knows_nothing_of_is_looked_for_in_the_view_that_it_names() {
        let views = ["Other", "PLANT", "UNS"].map(str::to_owned);
        let lists = |names: &[&str]| {
            let meant: Vec<_> = names.iter().map(|name| view::meanings(name, "PLANT", &views)).collect();
            let mut found = Contexts::default();
            found.contexts.insert("UNS.Calc".into(), Context::default());
            found.contexts.insert("Other.x".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
            found.failed.insert("Other.y".into(), Fault::external("http-500", "x"));
            let lists = to_list(meant.iter().map(Vec::as_slice), &found, "PLANT", &views);
            lists.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(lists(&["UNS.Calc", "Other.x", "Other.y"]), ["PLANT", "UNS"]);
        assert_eq!(lists(&["Site.Calc", "PLANT.Site.Calc"]), ["PLANT"]);
        assert!(lists(&["Other.x", "Other.y"]).is_empty(), "nothing is looked for");
    }

    #[test]
    fn a_tag_that_is_named_twice_is_one_series() {
        let mut contexts = Contexts::default();
        contexts.contexts.insert("V.a".into(), context("localhost.DS.Tag", "2024-03-01T00:00:00Z"));
        contexts.failed.insert("V.b".into(), Fault::external(LEFT_OUT, "x"));
        let named = [("a", "V.a"), ("V.a", "V.a"), ("b", "V.b"), ("V.b", "V.b")];
        let found = told(named.map(|(name, path)| (name.to_owned(), path.to_owned())), contexts, 0);
        let ids: Vec<_> = found.points.iter().map(|point| point.id.as_str()).collect();
        assert_eq!((ids.as_slice(), found.twice, found.unresolved.len()), (["localhost.DS.Tag"].as_slice(), 0, 2));
    }

    #[test]
    fn a_tag_whose_unit_is_not_known_now_is_not_read() {
        let point = |path: &str| Point { id: path.into(), path: path.into(), ..Point::default() };
        let mut found = Found { points: vec![point("V.a"), point("V.b")], ..Found::default() };
        let mut descriptions = Descriptions::default();
        descriptions.texts.insert("V.b".into(), [("Units".to_owned(), "bar".to_owned())].into());
        descriptions.failed.insert("V.a".into(), Fault::external("http-500", "x"));
        found.describe(descriptions);
        assert_eq!(found.unresolved.first().unwrap().name, "V.a");
        let units: Vec<_> = found.points.iter().map(|point| point.described.get("Units").unwrap().as_str()).collect();
        assert_eq!(units, ["bar"]);
    }

    #[test]
    fn samples_far_ahead_of_now_make_a_forecast() {
        let now = 1_709_276_400_000_000_000;
        let mut contexts = Contexts::default();
        contexts.contexts.insert("V.a".into(), context("a", "2024-03-01T07:30:00Z"));
        contexts.contexts.insert("V.b".into(), context("b", "2024-03-03T00:00:00Z"));
        let found = told(["V.a", "V.b"].map(|path| (path.to_owned(), path.to_owned())), contexts, now);
        assert_eq!(found.points.iter().map(|point| point.ahead).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn the_pattern_is_about_the_path_inside_of_the_view() {
        let filter = TagFilter { name_pattern: Some("plant a*temp*".into()), ..TagFilter::default() };
        assert!(passes("V.Plant A.Pump 1.Temperature", "V", &filter, false));
        assert!(!passes("V.Plant B.Temperature", "V", &filter, false));
        let any = TagFilter::default();
        assert!(!passes("V.{Diagnostics}.Sys.Memory", "V", &any, false));
        assert!(passes("V.{Diagnostics}.Sys.Memory", "V", &any, true));
    }
}
