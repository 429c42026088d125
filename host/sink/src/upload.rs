//! Moves encoded bytes into the store while they are being made: small files in one put, large ones in parts, so that a
//! file is never held whole. A file becomes visible complete or not at all.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use deltalake::logstore::object_store::{MultipartUpload, ObjectStoreExt, PutMode, PutOptions};
use deltalake::{ObjectStore, ObjectStoreError, Path};
use tokio::sync::mpsc;

/// Bytes of a part; also the smallest size that cloud stores accept for all parts but the last is below this.
const PART_BYTES: usize = 8 << 20;

/// What the encoder hands to the uploader.
pub(crate) enum Piece {
    /// The next bytes of the current file.
    Bytes(Bytes),
    /// The current file is complete.
    End,
}

/// A stored file.
pub(crate) struct Stored {
    /// Relative to the table.
    pub path: Path,
    /// In bytes.
    pub size: u64,
}

/// Writes files until the sender is dropped. An unfinished file is discarded.
pub(crate) async fn upload(
    store: Arc<dyn ObjectStore>,
    folder: String,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<Vec<Stored>, ObjectStoreError> {
    let mut files = Vec::new();
    while let Some(Piece::Bytes(first)) = pieces.recv().await {
        let path = Path::from(format!("{folder}{}", unique_name()));
        let size = match pieces.recv().await {
            Some(Piece::End) => {
                let size = first.len() as u64;
                store.put_opts(&path, first.into(), PutOptions::from(PutMode::Create)).await?;
                size
            }
            Some(Piece::Bytes(second)) => {
                let mut upload = store.put_multipart(&path).await?;
                match parts(upload.as_mut(), [first, second], &mut pieces).await {
                    Ok(Some(size)) => size,
                    Ok(None) => {
                        abandon(upload.as_mut()).await;
                        break;
                    }
                    Err(error) => {
                        abandon(upload.as_mut()).await;
                        return Err(error);
                    }
                }
            }
            None => break,
        };
        files.push(Stored { path, size });
    }
    Ok(files)
}

/// Best effort: what is left over is an orphan that no table refers to.
async fn abandon(upload: &mut dyn MultipartUpload) {
    if let Err(error) = upload.abort().await {
        tracing::debug!(%error, "an unfinished upload could not be removed");
    }
}

/// The size of the finished file; `None` when the encoder gave up.
async fn parts(
    upload: &mut dyn MultipartUpload,
    first: [Bytes; 2],
    pieces: &mut mpsc::Receiver<Piece>,
) -> Result<Option<u64>, ObjectStoreError> {
    let mut size = 0;
    for bytes in first {
        size += bytes.len() as u64;
        upload.put_part(bytes.into()).await?;
    }
    loop {
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => {
                size += bytes.len() as u64;
                upload.put_part(bytes.into()).await?;
            }
            Some(Piece::End) => {
                upload.complete().await?;
                return Ok(Some(size));
            }
            None => return Ok(None),
        }
    }
}

/// A name that no other file has: time and two random words.
fn unique_name() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map(|d| d.as_nanos()).unwrap_or_default();
    let random = || RandomState::new().hash_one(nanos);
    format!("part-{nanos:016x}-{:016x}{:016x}.zstd.parquet", random(), random())
}

/// The encoder's end: collects bytes to parts. Belongs on a blocking thread.
pub(crate) struct PieceWriter {
    sender: mpsc::Sender<Piece>,
    buffer: Vec<u8>,
}

impl PieceWriter {
    pub(crate) fn new(sender: mpsc::Sender<Piece>) -> Self {
        Self { sender, buffer: Vec::new() }
    }

    fn send(&self, piece: Piece) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the upload has ended");
        self.sender.blocking_send(piece).map_err(|_| gone())
    }

    /// Sends what is left and ends the file.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            let part = std::mem::take(&mut self.buffer);
            self.send(Piece::Bytes(part.into()))?;
        }
        self.send(Piece::End)
    }
}

impl io::Write for PieceWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES {
            let part = std::mem::take(&mut self.buffer);
            self.send(Piece::Bytes(part.into()))?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
