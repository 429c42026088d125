//! Where things are: the lake's root and the store behind it, a local folder or a bucket.

mod cloud;

use std::collections::HashMap;
use std::path::{Component, Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use deltalake::logstore::{LogStoreRef, ObjectStoreRef, StorageConfig, logstore_for, logstore_with};
use deltalake::{DeltaTable, ObjectStore};
use url::Url;

use crate::{Error, Result};

/// The lake's root folder.
#[derive(Clone)]
pub(crate) struct Root {
    /// Ends with a slash.
    url: Url,
    options: HashMap<String, String>,
    /// The bucket, once it was needed: one client with one pool of connections for all tables.
    bucket: Arc<Mutex<Option<ObjectStoreRef>>>,
}

impl Root {
    /// From an absolute path, a `file://` URL, or the URL of a bucket or a folder in it. Touches no store.
    ///
    /// # Errors
    /// Another scheme, a URL without a bucket, a relative path, or a storage option that its store does not know.
    pub(crate) fn parse(location: &str, options: HashMap<String, String>) -> Result<Self> {
        let refuse = |reason: String| Error::Location { what: "lake location", value: location.to_owned(), reason };
        let url = match location.split_once("://") {
            Some(("file", _)) => {
                let path = Url::parse(location).ok().and_then(|url| url.to_file_path().ok());
                folder(&path.ok_or_else(|| refuse("not a valid file URL; write file:///absolute/path".into()))?)
            }
            Some((scheme, _)) if cloud::knows(scheme) => {
                let folder = format!("{}/", location.trim_end_matches('/'));
                let url = Url::parse(&folder).map_err(|error| refuse(format!("not a valid URL: {error}")))?;
                if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
                    // Not shown: it may be a secret.
                    let value = format!("{scheme}://…");
                    let reason =
                        "a password or query is no part of it; credentials belong in storage_options".to_owned();
                    return Err(Error::Location { what: "lake location", value, reason });
                }
                cloud::check(&url, &options).map_err(refuse)?;
                Some(url)
            }
            Some((scheme, _)) => {
                return Err(refuse(format!("scheme {scheme} is not supported; use a path, s3://, abfss:// or gs://")));
            }
            None => folder(FilePath::new(location)),
        };
        let url = url.ok_or_else(|| refuse("not an absolute path".into()))?;
        Ok(Self { url, options, bucket: Arc::default() })
    }

    /// The root folder, where it is one of this machine's.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.url.to_file_path().ok()
    }

    /// The root for people.
    pub(crate) fn place(&self) -> String {
        place(&self.url)
    }

    /// Where a table lies, for people.
    pub(crate) fn table_path(&self, schema: &str, table: &str) -> String {
        self.below(&[schema, table]).map_or_else(|_| format!("{schema}/{table}"), |url| place(&url))
    }

    /// The store below the root, to list and to stage.
    pub(crate) fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        Ok(self.log_store(&self.url)?.object_store(None))
    }

    /// A table that may not exist yet.
    pub(crate) fn table(&self, schema: &str, table: &str) -> Result<DeltaTable> {
        Ok(DeltaTable::new(self.log_store(&self.below(&[schema, table])?)?))
    }

    fn below(&self, names: &[&str]) -> Result<Url> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Error::Location {
                what: "lake location",
                value: self.place(),
                reason: "nothing can lie below it".into(),
            })?
            .pop_if_empty()
            .extend(names)
            .push("");
        Ok(url)
    }

    fn log_store(&self, url: &Url) -> Result<LogStoreRef> {
        let failed = |error| Error::storage("open", place(url), error);
        let config = StorageConfig::parse_options(self.options.clone()).map_err(failed)?;
        let store = if url.scheme() == "file" {
            logstore_for(url, config.clone()).map_err(failed)?.root_object_store(None)
        } else {
            cloud::register();
            self.bucket()?
        };
        logstore_with(tested(store), url, config).map_err(failed)
    }

    fn bucket(&self) -> Result<ObjectStoreRef> {
        // Nothing panics while the lock is held; a poisoned one still holds a whole client.
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = &*bucket {
            return Ok(Arc::clone(bucket));
        }
        let opened = cloud::open(&self.url, &self.options);
        let opened = opened.map_err(|error| Error::storage("open", self.place(), error))?;
        Ok(Arc::clone(bucket.insert(opened)))
    }
}

#[cfg(not(debug_assertions))]
fn tested(store: ObjectStoreRef) -> ObjectStoreRef {
    store
}

/// With the faults that a test asks for.
#[cfg(debug_assertions)]
fn tested(store: ObjectStoreRef) -> ObjectStoreRef {
    crate::store_fault::wrapped(store)
}

/// Whether a lake can lie there, as far as its location and options tell. Touches no store.
///
/// # Errors
/// What [`crate::Lake::open`] would say of them.
pub fn check_location(location: &str, options: &HashMap<String, String>) -> Result<()> {
    Root::parse(location, options.clone()).map(|_root| ())
}

fn place(url: &Url) -> String {
    url.to_file_path().map_or_else(|()| url.to_string(), |path| path.display().to_string())
}

/// The URL of an absolute path with `.` and `..` resolved by name: an object store has no such folders.
fn folder(path: &FilePath) -> Option<Url> {
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
    Url::from_directory_path(plain).ok()
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

    fn parse(text: &str) -> Result<Root> {
        Root::parse(text, HashMap::new())
    }

    #[test]
    fn paths_and_urls_of_folders_and_buckets_are_locations() {
        assert_eq!(parse("file:///data/my%20lake").unwrap().place(), "/data/my lake/");
        assert_eq!(parse("/data/lake").unwrap().table_path("bronze", "t"), "/data/lake/bronze/t/");
        assert_eq!(parse("/data/conf/../lake/./").unwrap().folder().unwrap(), FilePath::new("/data/lake/"));
        for (location, table) in [
            ("s3://bucket", "s3://bucket/bronze/t/"),
            ("s3://bucket/a/b/", "s3://bucket/a/b/bronze/t/"),
            ("gs://bucket/lake", "gs://bucket/lake/bronze/t/"),
            ("abfss://files@account.dfs.core.windows.net/l", "abfss://files@account.dfs.core.windows.net/l/bronze/t/"),
        ] {
            let root = parse(location).unwrap();
            assert_eq!((root.table_path("bronze", "t").as_str(), root.folder()), (table, None));
        }
    }

    #[test]
    fn what_is_no_location_is_refused_with_what_would_be() {
        let error = |text| parse(text).err().unwrap().to_string();
        assert!(error("lake").contains("not an absolute path"));
        assert!(error("hdfs://name/lake").contains("use a path, s3://, abfss:// or gs://"));
        assert!(error("s3://").contains("bucket"), "{}", error("s3://"));
        for secret in ["s3://key:hunter2@bucket/lake", "abfss://files@account.dfs.core.windows.net/l?sig=hunter2"] {
            assert!(
                error(secret).contains("storage_options") && !error(secret).contains("hunter2"),
                "{}",
                error(secret)
            );
        }
    }

    #[test]
    fn a_storage_option_that_the_store_does_not_know_is_named_and_its_value_is_not() {
        let options = HashMap::from([("aws_regoin".to_owned(), "hunter2".to_owned())]);
        let error = Root::parse("s3://bucket/lake", options).err().unwrap().to_string();
        assert!(error.contains("aws_regoin") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_name_never_leaves_its_folder() {
        for name in ["", "..", "a/b", "a.b", "a\\b", "a\0"] {
            assert!(checked_name("table", name).is_err(), "{name:?}");
        }
        checked_name("table", "x_timeseries").unwrap();
    }
}
