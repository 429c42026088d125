//! Which view is read, and what its paths look like (§7).
//!
//! A full path begins with the name of its view and a dot; what follows is taken as it is, because names may hold anything.

use serde_json::json;
use tidegate_sdk::{
    Fault,
    host::{self, Level},
};

use crate::{
    api::{Node, Nodes, Views, judge_whole},
    server::Server,
    settings::Settings,
};

/// The dataset in which the historian tells about itself.
const DIAGNOSTICS: &str = "{Diagnostics}";

/// The nodes right below `path`, by their short names; those of the empty path are the views.
pub(crate) async fn nodes(server: &Server, path: &str) -> Result<Vec<(String, Node)>, Fault> {
    let answer = server.post("browseNodes", &json!({ "path": path })).await?;
    let what = if path.is_empty() { "browseNodes".to_owned() } else { format!("browseNodes of {path}") };
    let Nodes(entries) = judge_whole::<Nodes<'_>>(&what, &answer)?;
    Ok(entries.0.into_iter().map(|(name, node)| (name.into_owned(), node)).collect())
}

/// The names of all views that this account is shown, in the server's order.
pub(crate) async fn views(server: &Server) -> Result<Vec<String>, Fault> {
    let views = nodes(server, "").await?;
    Ok(views.into_iter().map(|(name, node)| node.full_path.filter(|path| !path.is_empty()).unwrap_or(name)).collect())
}

/// The view that the configuration names, or the historian's own: the one of `views` that is not virtual.
///
/// # Errors
/// `view`, when it is not among them, or when there is more than one.
pub(crate) async fn chosen(server: &Server, settings: &Settings, views: &[String]) -> Result<String, Fault> {
    if let Some(wanted) = settings.source.view.as_deref() {
        return named(wanted, views).map(str::to_owned).ok_or_else(|| unknown(wanted, views));
    }
    let virtual_views = match server.ask_whole::<Views>("getVirtualViews", &json!({})).await {
        Ok(Views(virtual_views)) => virtual_views,
        Err(fault) if views.len() > 1 => {
            // Which of several is meant cannot be guessed: a cursor would start over in another view.
            let text = format!("{}; set source.view to one of {}", fault.message, views.join(", "));
            return Err(Fault { message: text, ..fault });
        }
        Err(fault) => {
            host::log(Level::Warn, &format!("{}; taking the only view there is", fault.message));
            Vec::new()
        }
    };
    own(views, &virtual_views)
}

/// The historian's own view. Which of several is meant is not guessed from the order in which the server lists them: in
/// another view each tag has another path.
fn own(views: &[String], virtual_views: &[String]) -> Result<String, Fault> {
    let own: Vec<String> =
        views.iter().filter(|view| !virtual_views.iter().any(|other| alike(other, view))).cloned().collect();
    let text = match (own.as_slice(), views) {
        ([only], _) => return Ok(only.clone()),
        ([], []) => "the server shows this account no view; ask its administrator for read permission".to_owned(),
        ([], _) => format!("all views are virtual; set source.view to one of {}", views.join(", ")),
        (several, _) => format!("more than one view is not virtual; set source.view to one of {}", several.join(", ")),
    };
    Err(Fault::user("view", text))
}

/// The view of this name; one that is spelt the same goes before one in another case.
fn named<'a>(wanted: &str, views: &'a [String]) -> Option<&'a str> {
    let found = views.iter().find(|view| *view == wanted).or_else(|| views.iter().find(|view| alike(view, wanted)));
    found.map(String::as_str)
}

fn unknown(wanted: &str, views: &[String]) -> Fault {
    let text = format!("source.view: {wanted} is none of the views that the server shows: {}", views.join(", "));
    Fault::user("view", text)
}

/// Names are alike whatever their case.
fn alike(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// The path inside of `view`; `None` where it lies elsewhere.
pub(crate) fn inside<'a>(view: &str, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(view)?.strip_prefix('.')
}

/// The view whose name, in whatever case, a path of the configuration begins with, and the rest with its dot.
///
/// The name of a view may hold dots, and that of another begin with it: the same spelling goes first, then the longer name.
pub(crate) fn begins<'a, 'b>(path: &'b str, views: &'a [String]) -> Option<(&'a str, &'b str)> {
    let cuts = path.match_indices('.').map(|(at, _)| path.split_at(at)).chain([(path, "")]);
    let named = |(name, rest): (&'b str, &'b str)| {
        let view = named(name, views)?;
        Some(((view == name, name.len()), (view, rest)))
    };
    cuts.filter_map(named).max_by_key(|(order, _)| *order).map(|(_, begins)| begins)
}

/// What a path of the configuration may mean: a full path where it begins with the name of a view, and a path inside of
/// `view` in any case, for a dataset may have the name of a view. The name of a view is spelt as the server does it.
pub(crate) fn meanings(path: &str, view: &str, views: &[String]) -> Vec<String> {
    let full = begins(path, views).map(|(view, rest)| format!("{view}{rest}"));
    full.into_iter().chain([format!("{view}.{path}")]).collect()
}

/// Whether a path lies in, or is, the dataset in which the historian tells about itself.
pub(crate) fn is_diagnostic(view: &str, path: &str) -> bool {
    inside(view, path)
        .and_then(|path| path.strip_prefix(DIAGNOSTICS))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_historians_own_view_is_the_one_that_is_not_virtual() {
        let views = texts(&["Site UNS", "PLANTHIST", "Other"]);
        assert_eq!(own(&views, &texts(&["site uns", "Other"])).unwrap(), "PLANTHIST");
        let several = own(&views, &texts(&["site uns"])).unwrap_err();
        assert!(several.message.ends_with("set source.view to one of PLANTHIST, Other"), "{}", several.message);
        assert_eq!(own(&views, &views).unwrap_err().code, "view");
        assert!(own(&[], &[]).unwrap_err().message.contains("permission"));
        assert_eq!((named("planthist", &views), named("X", &views)), (Some("PLANTHIST"), None));
        assert!(unknown("X", &views).message.contains("Site UNS, PLANTHIST, Other"));
    }

    #[test]
    fn a_path_is_full_only_behind_the_name_of_a_view() {
        let views = texts(&["PLANT.A", "UNS"]);
        assert_eq!(meanings("UNS.Site.x", "PLANT.A", &views), ["UNS.Site.x", "PLANT.A.UNS.Site.x"]);
        assert_eq!(meanings("UNS2.x", "PLANT.A", &views), ["PLANT.A.UNS2.x"]);
        assert_eq!(meanings("PLANT.A.x", "PLANT.A", &views).first().unwrap(), "PLANT.A.x");
        assert_eq!(inside("V", "V.a (1).b"), Some("a (1).b"));
        assert_eq!((inside("V", "VX.a"), inside("V", "V")), (None, None));
    }

    #[test]
    fn the_name_of_a_view_means_it_in_any_case() {
        let views = texts(&["PLANT", "PLANT.Öl", "Uns", "UNS"]);
        for (path, expected) in [
            ("plant.A.x", "PLANT.A.x"),
            ("plant.öl.X", "PLANT.Öl.X"),
            ("PLANT.öl.x", "PLANT.öl.x"),
            ("UNS.x", "UNS.x"),
            ("uns.x", "Uns.x"),
            ("Plant", "PLANT"),
        ] {
            assert_eq!(meanings(path, "PLANT", &views), [expected.to_owned(), format!("PLANT.{path}")]);
        }
        assert_eq!(begins("PLANT.Öl.x.y", &views), Some(("PLANT.Öl", ".x.y")));
        assert_eq!((begins("PLANT2.x", &views), begins("", &views)), (None, None));
    }

    #[test]
    fn only_the_dataset_of_that_name_is_about_the_historian() {
        for (path, expected) in [
            ("V.{Diagnostics}.Sys.Memory Physical", true),
            ("V.{Diagnostics}", true),
            ("V.{Diagnostics} 2.x", false),
            ("V.A.{Diagnostics}.x", false),
            ("W.{Diagnostics}.x", false),
        ] {
            assert_eq!(is_diagnostic("V", path), expected, "{path}");
        }
    }
}
