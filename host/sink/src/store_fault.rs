//! A store that misbehaves, for tests: debug builds put it in front of the real one when `TIDEGATE_STORE_FAULT` says how.
//!
//! - `refuse-put:TEXT` or `refuse-put:TEXT:n`: of the writes whose path holds TEXT, the n-th and all after it are refused
//!   as a store does that has lost the permission. A part of a large file is a write.
//! - `slow:MILLIS`: every call waits first.
//!
//! Every path of this crate goes through the object store, so nothing escapes it; release builds do not have it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use deltalake::logstore::object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, UploadPart,
};
use deltalake::{ObjectStore, ObjectStoreError, Path};
use futures::StreamExt;
use futures::stream::BoxStream;

type Result<T> = std::result::Result<T, ObjectStoreError>;

/// What the environment asks for; one count for all stores of the process.
static FAULT: LazyLock<Option<Arc<Fault>>> =
    LazyLock::new(|| Some(Arc::new(Fault::parse(&std::env::var("TIDEGATE_STORE_FAULT").ok()?)?)));

#[derive(Debug)]
enum Fault {
    /// Writes below a path, once so many have been let through.
    Refuse(String, AtomicU64),
    Slow(Duration),
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        match (words.next()?, words.next()?, words.next()) {
            ("refuse-put", text, nth) => {
                let nth: u64 = nth.unwrap_or("1").parse().ok()?;
                Some(Self::Refuse(text.to_owned(), AtomicU64::new(nth.saturating_sub(1))))
            }
            ("slow", millis, None) => Some(Self::Slow(Duration::from_millis(millis.parse().ok()?))),
            _ => None,
        }
    }

    /// Before any call.
    async fn pause(&self) {
        if let Self::Slow(pause) = self {
            tokio::time::sleep(*pause).await;
        }
    }

    /// Before a write.
    fn check(&self, path: &Path) -> Result<()> {
        let Self::Refuse(text, left) = self else { return Ok(()) };
        let passes = || left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if !path.as_ref().contains(text) || passes() {
            return Ok(());
        }
        Err(ObjectStoreError::PermissionDenied { path: path.to_string(), source: "403 AccessDenied".into() })
    }
}

/// The store, or the misbehaving one in front of it.
pub(crate) fn wrapped(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    match &*FAULT {
        None => store,
        Some(fault) => Arc::new(Faulty { inner: store, fault: Arc::clone(fault) }),
    }
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Arc<Fault>,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {}", self.fault, self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.fault.pause().await;
        self.fault.check(location)?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.fault.pause().await;
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(FaultyUpload { upload, path: location.clone(), fault: Arc::clone(&self.fault) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.fault.pause().await;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let fault = Arc::clone(&self.fault);
        let paused = locations.then(move |path| {
            let fault = Arc::clone(&fault);
            async move {
                fault.pause().await;
                path
            }
        });
        self.inner.delete_stream(paused.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (fault, listed) = (Arc::clone(&self.fault), self.inner.list(prefix));
        let paused = async move {
            fault.pause().await;
            listed
        };
        futures::stream::once(paused).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.fault.pause().await;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.fault.pause().await;
        self.fault.check(to)?;
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    path: Path,
    fault: Arc<Fault>,
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        if let Err(error) = self.fault.check(&self.path) {
            return Box::pin(std::future::ready(Err(error)));
        }
        let (fault, part) = (Arc::clone(&self.fault), self.upload.put_part(data));
        Box::pin(async move {
            fault.pause().await;
            part.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.fault.pause().await;
        self.upload.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

#[cfg(test)]
mod tests {
    use deltalake::logstore::object_store::ObjectStoreExt;
    use deltalake::logstore::object_store::memory::InMemory;

    use super::*;

    fn faulty(fault: &str) -> Faulty {
        Faulty { inner: Arc::new(InMemory::new()), fault: Arc::new(Fault::parse(fault).unwrap()) }
    }

    #[tokio::test]
    async fn the_nth_write_below_a_path_and_all_after_it_are_refused() {
        let store = faulty("refuse-put:_log:2");
        store.put(&Path::from("t/_log/1"), "a".into()).await.unwrap();
        for _again in 0..2 {
            let error = store.put(&Path::from("t/_log/2"), "b".into()).await.unwrap_err();
            assert!(matches!(error, ObjectStoreError::PermissionDenied { .. }), "{error}");
        }
        store.put(&Path::from("t/data"), "c".into()).await.unwrap();
        assert_eq!(store.get(&Path::from("t/_log/1")).await.unwrap().bytes().await.unwrap(), "a");
    }

    #[tokio::test]
    async fn a_part_of_a_large_file_is_refused_too() {
        let mut upload = faulty("refuse-put:data:2").put_multipart(&Path::from("t/data")).await.unwrap();
        upload.put_part("a".into()).await.unwrap();
        upload.put_part("b".into()).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_slow_store_waits_before_each_call_and_does_it() {
        let store = faulty("slow:20");
        let started = std::time::Instant::now();
        store.put(&Path::from("a"), "a".into()).await.unwrap();
        store.get(&Path::from("a")).await.unwrap();
        assert_eq!(store.list(None).count().await, 1);
        store.delete(&Path::from("a")).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(4 * 20));
        assert_eq!(store.inner.list(None).count().await, 0);
    }

    #[test]
    fn what_is_not_understood_is_no_fault() {
        assert!(Fault::parse("refuse-put").is_none() && Fault::parse("slow:soon").is_none());
        assert!(matches!(Fault::parse("slow:7"), Some(Fault::Slow(pause)) if pause.as_millis() == 7));
    }
}
