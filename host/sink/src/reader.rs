//! A Parquet file in the store, read in ranges, and how much of a table was read that way.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use deltalake::logstore::object_store::ObjectStoreExt;
use deltalake::parquet::arrow::arrow_reader::ArrowReaderOptions;
use deltalake::parquet::arrow::async_reader::AsyncFileReader;
use deltalake::parquet::errors::{ParquetError, Result};
use deltalake::parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use deltalake::{ObjectStore, ObjectStoreError, Path};
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};

use crate::files::DataFile;

/// How much of a table a run has read.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    files: Mutex<HashSet<Path>>,
    bytes: AtomicU64,
}

impl Reads {
    /// Data files, each once however often it was opened.
    pub(crate) fn files(&self) -> u64 {
        self.paths().len() as u64
    }

    /// Bytes asked of the store: footers, page indexes and pages.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    // Nothing panics while the lock is held; a poisoned one still holds a whole set.
    fn paths(&self) -> std::sync::MutexGuard<'_, HashSet<Path>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One data file of a table.
pub(crate) struct FileReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
    reads: Arc<Reads>,
}

impl FileReader {
    /// What is read of `file` is counted in `reads`.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, file: &DataFile, reads: Arc<Reads>) -> Self {
        let path = file.path();
        reads.paths().insert(path.clone());
        Self { store, path, size: file.size(), reads }
    }

    fn count(&self, range: &Range<u64>) {
        self.reads.bytes.fetch_add(range.end.saturating_sub(range.start), Ordering::Relaxed);
    }
}

fn external(error: ObjectStoreError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.count(&range);
        self.store.get_range(&self.path, range).map_err(external).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        ranges.iter().for_each(|range| self.count(range));
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}
