//! Where things are: the lake's root and the store behind it. Only local file systems are reached today; every path goes
//! through the object store, so that a cloud location is a matter of features, not of code.

use std::collections::HashMap;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::Arc;

use deltalake::logstore::{LogStoreRef, StorageConfig, logstore_for};
use deltalake::{DeltaTable, DeltaTableError, ObjectStore};
use url::Url;

use crate::{Error, Result};

/// The lake's root folder.
#[derive(Clone)]
pub(crate) struct Root {
    path: PathBuf,
    options: HashMap<String, String>,
}

impl Root {
    /// From an absolute path or a `file://` URL. Touches no disk.
    ///
    /// # Errors
    /// Another scheme, or a relative path.
    pub(crate) fn parse(location: &str, options: HashMap<String, String>) -> Result<Self> {
        let refuse = |reason: String| Error::Location { what: "lake location", value: location.to_owned(), reason };
        let path = match location.split_once("://") {
            Some(("file", _)) => Url::parse(location)
                .ok()
                .and_then(|url| url.to_file_path().ok())
                .ok_or_else(|| refuse("not a valid file URL; write file:///absolute/path".into()))?,
            Some((scheme, _)) => {
                return Err(refuse(format!(
                    "scheme {scheme} is not supported yet; use an absolute path or a file:// URL"
                )));
            }
            None => PathBuf::from(location),
        };
        if !path.is_absolute() {
            return Err(refuse("not an absolute path".into()));
        }
        Ok(Self { path: without_dots(&path), options })
    }

    /// The root folder.
    pub(crate) fn path(&self) -> &FilePath {
        &self.path
    }

    /// Where a table lies, for people.
    pub(crate) fn table_path(&self, schema: &str, table: &str) -> String {
        self.path.join(schema).join(table).display().to_string()
    }

    /// The store below the root, to list and to stage.
    pub(crate) fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        Ok(self.log_store(&self.path)?.object_store(None))
    }

    /// A table that may not exist yet.
    pub(crate) fn table(&self, schema: &str, table: &str) -> Result<DeltaTable> {
        Ok(DeltaTable::new(self.log_store(&self.path.join(schema).join(table))?))
    }

    fn log_store(&self, path: &FilePath) -> Result<LogStoreRef> {
        let place = || path.display().to_string();
        let url = Url::from_directory_path(path).map_err(|()| Error::Location {
            what: "lake location",
            value: place(),
            reason: "not an absolute path".into(),
        })?;
        StorageConfig::parse_options(self.options.clone())
            .and_then(|config| open(&url, config))
            .map_err(|error| Error::storage("open", place(), error))
    }
}

#[cfg(not(debug_assertions))]
fn open(url: &Url, config: StorageConfig) -> Result<LogStoreRef, DeltaTableError> {
    logstore_for(url, config)
}

/// With the faults that a test asks for.
#[cfg(debug_assertions)]
fn open(url: &Url, config: StorageConfig) -> Result<LogStoreRef, DeltaTableError> {
    let store = logstore_for(url, config.clone())?.root_object_store(None);
    deltalake::logstore::logstore_with(crate::store_fault::wrapped(store), url, config)
}

/// The path with `.` and `..` resolved by name: an object store has no such folders.
fn without_dots(path: &FilePath) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Refuses a name that could leave its folder or break the name of a staged file.
pub(crate) fn checked_name(what: &'static str, name: &str) -> Result<()> {
    let fine = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(fine) {
        let reason = "use letters, digits, _ and - only".to_owned();
        return Err(Error::Location { what, value: name.to_owned(), reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_file_urls_are_locations_and_nothing_else_is() {
        let parse = |text| Root::parse(text, HashMap::new());
        assert_eq!(parse("file:///data/my%20lake").unwrap().path(), FilePath::new("/data/my lake"));
        assert_eq!(parse("/data/lake").unwrap().table_path("bronze", "t"), "/data/lake/bronze/t");
        assert_eq!(parse("/data/conf/../lake/./").unwrap().path(), FilePath::new("/data/lake"));
        let error = parse("s3://bucket/lake").err().unwrap().to_string();
        assert!(error.contains("scheme s3 is not supported yet") && error.contains("file://"), "{error}");
        assert!(parse("lake").err().unwrap().to_string().contains("not an absolute path"));
    }

    #[test]
    fn a_name_never_leaves_its_folder() {
        for name in ["", "..", "a/b", "a.b", "a\\b", "a\0"] {
            assert!(checked_name("table", name).is_err(), "{name:?}");
        }
        checked_name("table", "x_timeseries").unwrap();
    }
}
