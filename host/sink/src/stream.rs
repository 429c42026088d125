//! Data files written batch by batch: for rows that arrive over time, where [`write_files`] wants them all to hand.
//! Memory is bounded by the encoder; whoever pushes waits for it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use deltalake::ObjectStore;
use deltalake::kernel::Add;
use deltalake::logstore::object_store::ObjectStoreExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::encode::{FileSpec, write_files};
use crate::files::DataFile;
use crate::{Error, Result};

/// Batches that wait for the encoder.
const BATCHES_WAITING: usize = 2;

/// Files on their way into the store. Dropping it stops the upload; what is complete by then is an orphan.
pub(crate) struct FileStream {
    table: String,
    /// `None` once the rows have ended.
    sender: Option<mpsc::Sender<Result<RecordBatch>>>,
    /// `None` once its result was taken.
    task: Option<JoinHandle<Result<Vec<Add>>>>,
}

impl FileStream {
    /// Starts the encoder.
    pub(crate) fn open(store: Arc<dyn ObjectStore>, table: &str, spec: FileSpec) -> Self {
        let (sender, mut receiver) = mpsc::channel(BATCHES_WAITING);
        let name = table.to_owned();
        let batches = std::iter::from_fn(move || receiver.blocking_recv());
        let task = tokio::spawn(async move { write_files(store, &name, spec, batches).await });
        Self { table: table.to_owned(), sender: Some(sender), task: Some(task) }
    }

    /// Hands over rows, in the order of the files.
    ///
    /// # Errors
    /// What stopped the encoder or the upload; then nothing more is taken.
    pub(crate) async fn write(&mut self, batch: RecordBatch) -> Result<()> {
        if let Some(sender) = &self.sender
            && sender.send(Ok(batch)).await.is_ok()
        {
            return Ok(());
        }
        // The encoder has given up; what it says is the reason.
        self.sender = None;
        self.end().await?;
        Err(self.broken())
    }

    /// Ends the files and waits until they are stored.
    ///
    /// # Errors
    /// As [`FileStream::write`].
    pub(crate) async fn finish(mut self) -> Result<Vec<Add>> {
        self.sender = None;
        self.end().await
    }

    async fn end(&mut self) -> Result<Vec<Add>> {
        let Some(task) = &mut self.task else { return Err(self.broken()) };
        let ended = task.await;
        self.task = None;
        ended.map_err(|error| Error::storage("write a data file of", &self.table, error)).flatten()
    }

    fn broken(&self) -> Error {
        Error::contract(&self.table, "a data file could not be written; nothing more is taken")
    }
}

impl Drop for FileStream {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Deletes files that no commit names. Best effort: what is left over is an orphan, which costs space and nothing else.
pub(crate) async fn discard(store: &Arc<dyn ObjectStore>, files: Vec<Add>) {
    for file in files.into_iter().map(DataFile::own) {
        if let Err(error) = store.delete(&file.path()).await {
            tracing::debug!(path = %file.path(), %error, "a file that was not committed could not be removed");
        }
    }
}
