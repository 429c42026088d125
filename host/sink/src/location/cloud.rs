//! Buckets: S3, Azure and Google storage, by the same crate that reaches local files. All three create an object only if
//! there is none yet, which is what a Delta commit asks of its store; no lock table beside them is needed.
//!
//! Credentials come from `storage_options`, else from where the cloud's own tools find them: the environment, the
//! workload's identity, the machine's role.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, ObjectStoreError};
use object_store::RetryConfig;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use url::Url;

const S3: [&str; 2] = ["s3", "s3a"];
const AZURE: [&str; 4] = ["abfss", "abfs", "azure", "az"];
const GOOGLE: [&str; 1] = ["gs"];

/// How long one request is tried again.
const RETRY_TIMEOUT: &str = "retry_timeout";
/// How often.
const MAX_RETRIES: &str = "max_retries";

type Options = HashMap<String, String>;

/// Whether locations of this scheme are buckets.
pub(super) fn knows(scheme: &str) -> bool {
    schemes().any(|known| known == scheme)
}

fn schemes() -> impl Iterator<Item = &'static str> {
    S3.into_iter().chain(AZURE).chain(GOOGLE)
}

/// Looks at a bucket's URL and options. What it says holds no value of theirs: those may be secrets.
///
/// # Errors
/// A URL without a bucket, or an option that is not known.
pub(super) fn check(url: &Url, options: &Options) -> Result<(), String> {
    if url.host_str().is_none_or(str::is_empty) {
        return Err("the bucket is missing: write scheme://bucket/folder".to_owned());
    }
    retry(options)?;
    let unknown = |key: &&String| {
        let name = key.to_ascii_lowercase();
        match url.scheme() {
            _ if name == RETRY_TIMEOUT || name == MAX_RETRIES => false,
            scheme if S3.contains(&scheme) => AmazonS3ConfigKey::from_str(&name).is_err(),
            scheme if AZURE.contains(&scheme) => AzureConfigKey::from_str(&name).is_err(),
            _ => GoogleConfigKey::from_str(&name).is_err(),
        }
    };
    match options.keys().filter(unknown).min() {
        Some(key) => Err(format!("{}:// has no storage option {key}", url.scheme())),
        None => Ok(()),
    }
}

fn retry(options: &Options) -> Result<RetryConfig, String> {
    let option = |name: &str| options.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let mut retry = RetryConfig::default();
    if let Some(text) = option(RETRY_TIMEOUT) {
        let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
        let seconds = seconds.ok_or_else(|| format!("storage option {RETRY_TIMEOUT} is in seconds, such as 30s"))?;
        retry.retry_timeout = Duration::from_secs(seconds);
    }
    if let Some(text) = option(MAX_RETRIES) {
        retry.max_retries = text.parse().map_err(|_| format!("storage option {MAX_RETRIES} is a number"))?;
    }
    Ok(retry)
}

/// A client of the bucket; makes no request.
///
/// # Errors
/// Options that contradict each other.
pub(super) fn open(url: &Url, options: &Options) -> Result<ObjectStoreRef, ObjectStoreError> {
    // Checked when the location was parsed.
    let retry = retry(options).unwrap_or_default();
    let options = options.iter().map(|(key, value)| (key.to_ascii_lowercase(), value));
    Ok(match url.scheme() {
        scheme if S3.contains(&scheme) => {
            let mut builder = AmazonS3Builder::from_env().with_url(url.as_str()).with_retry(retry);
            for (key, value) in options.filter_map(|(key, value)| Some((key.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            Arc::new(builder.build()?)
        }
        scheme if AZURE.contains(&scheme) => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(url.as_str()).with_retry(retry);
            for (key, value) in options.filter_map(|(key, value)| Some((key.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            Arc::new(builder.build()?)
        }
        _ => {
            let mut builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).with_retry(retry);
            for (key, value) in options.filter_map(|(key, value)| Some((key.parse().ok()?, value))) {
                builder = builder.with_config(key, value);
            }
            Arc::new(builder.build()?)
        }
    })
}

/// Makes the Delta library commit to these buckets as it does to a local folder.
pub(super) fn register() {
    let factories = logstore_factories();
    for scheme in schemes() {
        if let Ok(scheme) = Url::parse(&format!("{scheme}://")) {
            factories.entry(scheme).or_insert_with(|| Arc::new(Buckets));
        }
    }
}

struct Buckets;

impl LogStoreFactory for Buckets {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}
