//! `tidegate discover`: what the historian holds.

use tidegate_sdk::{
    Fault,
    host::{self, Item},
    pattern::matches,
};

use crate::{browse::Browse, manifest::KINDS, server::Server, settings::Settings, view};

/// Reports everything of `kind` whose name matches.
pub(crate) async fn discover(settings: &Settings, kind: &str, pattern: &str) -> Result<(), Fault> {
    let server = Server::new(settings);
    let pattern = if pattern.is_empty() { "*" } else { pattern };
    let views = view::views(&server).await?;
    match kind {
        "databases" => {
            report("databases", pattern, views.iter().map(|view| (view.clone(), view.clone())));
            Ok(())
        }
        "tags" => {
            let view = view::chosen(&server, settings, &views).await?;
            let diagnostics = settings.ingestion.wants_diagnostics();
            let mut listing = Browse::new(&server, &view, "");
            while let Some(page) = listing.page().await? {
                let shown = page.into_iter().filter(|path| diagnostics || !view::is_diagnostic(&view, path));
                report(
                    "tags",
                    pattern,
                    shown.map(|path| (view::inside(&view, &path).unwrap_or(&path).to_owned(), path)),
                );
            }
            Ok(())
        }
        // The nodes at the top: a plant has thousands, and nobody asks for all of them on a terminal.
        "assets" => {
            let view = view::chosen(&server, settings, &views).await?;
            let nodes = view::nodes(&server, &view).await?.into_iter();
            let named =
                nodes.map(|(name, node)| (name.clone(), node.full_path.unwrap_or_else(|| format!("{view}.{name}"))));
            report("assets", pattern, named);
            Ok(())
        }
        other => Err(Fault::user("kind", format!("canary knows no {other}; ask for one of {}", KINDS.join(", ")))),
    }
}

fn report(kind: &str, pattern: &str, named: impl Iterator<Item = (String, String)>) {
    let item = |(name, path): (String, String)| Item {
        kind: kind.to_owned(),
        id: path.clone(),
        name,
        path,
        description: String::new(),
    };
    host::found(&named.filter(|(name, _)| matches(pattern, name)).map(item).collect::<Vec<_>>());
}
