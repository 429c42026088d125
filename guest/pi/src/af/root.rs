//! Where a pass over elements begins: at the top of each database, or below one element.

use tidegate_sdk::{Fault, http::encode};

use super::Database;
use crate::{
    api::{Element, element_fields},
    server::Server,
};

/// The top of a pass over one database.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// `\\SERVER\Database`, or the path of the element.
    pub(crate) path: String,
    /// `/assetdatabases/{id}` or `/elements/{id}`: what listings stand below.
    pub(crate) resource: String,
    /// The element at the top, where there is one.
    pub(crate) element: Option<Element>,
}

/// One root for each database; with `below`, the element of that path in those databases that hold it. `key` is where
/// the configuration says so.
pub(crate) async fn roots(
    server: &Server,
    databases: &[Database],
    below: Option<&str>,
    key: &str,
) -> Result<Vec<Root>, Fault> {
    let Some(below) = below else {
        return Ok(databases.iter().map(top).collect());
    };
    let mut roots = Vec::new();
    let mut refused = None;
    for path in paths(below, databases) {
        match element(server, &path).await {
            Ok(element) => roots.push(Root {
                resource: format!("/elements/{}", encode(&element.web_id)),
                element: Some(element),
                path,
            }),
            // One of several databases need not hold it.
            Err(fault) if fault.code == "http-404" => refused = Some(fault),
            Err(fault) => return Err(fault),
        }
    }
    match (roots.is_empty(), refused) {
        (false, _) => Ok(roots),
        (true, refused) => {
            let said = refused.map(|fault| format!(" ({})", fault.message)).unwrap_or_default();
            let text = format!("ingestion.{key}: no element {below} in the configured AF databases{said}");
            Err(Fault::user("af-root", text))
        }
    }
}

fn top(database: &Database) -> Root {
    Root {
        path: database.path.clone(),
        resource: format!("/assetdatabases/{}", encode(&database.web_id)),
        element: None,
    }
}

/// `/Site` and `Site` stand in each database, `\\AF1\Production\Site` says in which.
fn paths(below: &str, databases: &[Database]) -> Vec<String> {
    if below.starts_with(r"\\") {
        return vec![below.trim_end_matches('\\').to_owned()];
    }
    let names = unescaped(below);
    databases.iter().map(|database| format!(r"{}\{names}", database.path)).collect()
}

/// The notation of tables turned back into that of AF.
fn unescaped(path: &str) -> String {
    let mut names = String::with_capacity(path.len());
    let mut escaped = false;
    for character in path.trim_start_matches('/').trim_end_matches('/').chars() {
        match character {
            '\\' if !escaped => escaped = true,
            '/' if !escaped => names.push('\\'),
            other => {
                // A backslash before anything but a slash is AF's own separator.
                if escaped && other != '/' {
                    names.push('\\');
                }
                names.push(other);
                escaped = false;
            }
        }
    }
    names
}

async fn element(server: &Server, path: &str) -> Result<Element, Fault> {
    let fields = element_fields("");
    let query =
        [("path", path), ("associations", "Paths"), ("webIdType", "IDOnly"), ("selectedFields", fields.as_str())];
    let element: Element = server.get("/elements", &query).await?;
    if element.web_id.is_empty() {
        return Err(Fault::external("malformed-answer", format!("element {path}: the answer has no WebId")));
    }
    Ok(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_written_in_either_notation() {
        let databases = [
            Database { path: r"\\AF1\P".into(), ..Database::default() },
            Database { path: r"\\AF2\Q".into(), ..Database::default() },
        ];
        let table: [(&str, &[&str]); 5] = [
            ("/Site/Unit", &[r"\\AF1\P\Site\Unit", r"\\AF2\Q\Site\Unit"]),
            ("Site", &[r"\\AF1\P\Site", r"\\AF2\Q\Site"]),
            (r"/In\/Out/B", &[r"\\AF1\P\In/Out\B", r"\\AF2\Q\In/Out\B"]),
            (r"Site\Unit", &[r"\\AF1\P\Site\Unit", r"\\AF2\Q\Site\Unit"]),
            (r"\\AF1\P\Site\", &[r"\\AF1\P\Site"]),
        ];
        for (below, expected) in table {
            assert_eq!(paths(below, &databases), expected, "{below}");
        }
    }
}
