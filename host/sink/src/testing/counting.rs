//! A store that remembers what is read from it, for tests that prove that something is not read.

use std::fmt;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::logstore::object_store::local::LocalFileSystem;
use deltalake::logstore::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result,
};
use deltalake::logstore::{ObjectStoreFactory, ObjectStoreRef, StorageConfig, object_store_factories};
use deltalake::{DeltaResult, ObjectStore, Path};
use futures::stream::BoxStream;
use url::Url;

/// Reads of all stores that were opened since [`count_reads`], by path.
static READS: Mutex<Vec<Path>> = Mutex::new(Vec::new());

/// Lets every store that is opened from now on remember its reads.
pub(crate) fn count_reads() {
    object_store_factories().insert(Url::parse("file://").unwrap(), Arc::new(Factory));
}

/// Data files that are read below a folder while this lives.
pub(crate) struct Reads {
    folder: String,
    from: usize,
}

impl Reads {
    pub(crate) fn below(folder: &FilePath) -> Self {
        let folder = folder.display().to_string().trim_start_matches('/').to_owned();
        Self { folder, from: READS.lock().unwrap().len() }
    }

    /// The paths read so far below the folder, as often as each was read.
    pub(crate) fn paths(&self) -> Vec<String> {
        let reads = READS.lock().unwrap();
        let here = reads[self.from..].iter().filter_map(|path| path.as_ref().strip_prefix(self.folder.as_str()));
        here.filter(|path| path.ends_with(".parquet")).map(|path| path.trim_start_matches('/').to_owned()).collect()
    }
}

struct Factory;

impl ObjectStoreFactory for Factory {
    fn parse_url_opts(&self, url: &Url, _config: &StorageConfig) -> DeltaResult<(ObjectStoreRef, Path)> {
        Ok((Arc::new(Counting(LocalFileSystem::new())), Path::from_url_path(url.path())?))
    }
}

#[derive(Debug)]
struct Counting(LocalFileSystem);

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "counting {}", self.0)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        READS.lock().unwrap().push(location.clone());
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        READS.lock().unwrap().push(location.clone());
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
