//! Writing an object, a part at a time.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::local::LocalFileSystem;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tracing::instrument;

use super::{Kind, ObjectError, Objects};

/// The least that S3 takes as a part, and some services want all parts to be the same.
const S3_PART: usize = 5 * 1024 * 1024;
/// What goes to a disk at once.
const DISK_PART: usize = 512 * 1024;
/// What stands behind the name of a file that is being written (object_store's `LocalFileSystem`).
const STAGED: &str = "#1";

/// An object in the making. Until it is finished there is none; dropped, it leaves at most what
/// [`Objects::delete`] removes.
pub(crate) struct Writer {
    objects: Objects,
    path: Path,
    /// What has come and has not been written: less than a part, and the last piece.
    waiting: BytesMut,
    begun: Begun,
}

/// How it is written.
enum Begun {
    /// Not yet: it may be small enough to go at once.
    No,
    Disk(Box<dyn MultipartUpload>),
    S3 {
        id: String,
        parts: Vec<PartId>,
    },
}

impl Objects {
    /// Begins an object. Nothing is written so far.
    pub(crate) fn writer(&self, key: &str) -> Writer {
        Writer { path: self.path(key), objects: self.clone(), waiting: BytesMut::new(), begun: Begun::No }
    }

    fn part(&self) -> usize {
        match self.kind {
            Kind::Disk(_) => DISK_PART,
            Kind::S3(_) | Kind::Nowhere => S3_PART,
        }
    }
}

impl Writer {
    /// Takes what comes next. It waits until [`Writer::flush`].
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
    }

    /// Whether there is a part to be written, and [`Writer::begin`] and [`Writer::flush`] are to be called.
    pub(crate) fn is_full(&self) -> bool {
        // Not just one: what is no larger than a part goes at once when it is finished.
        self.waiting.len() > self.objects.part()
    }

    /// Begins to write in parts, unless that was begun. `Some`: the id by which S3 knows them, to be kept for
    /// [`Objects::delete`] before any of them is written.
    #[instrument(name = "object.begin", level = "debug", skip_all)]
    pub(crate) async fn begin(&mut self) -> Result<Option<&str>, ObjectError> {
        if !matches!(self.begun, Begun::No) {
            return Ok(None);
        }
        self.begun = match &self.objects.kind {
            Kind::Disk(disk) => Begun::Disk(self.objects.in_time(disk.put_multipart(&self.path)).await?),
            Kind::S3(s3) => {
                let id = self.objects.in_time(s3.create_multipart(&self.path)).await?;
                Begun::S3 { id, parts: Vec::new() }
            }
            Kind::Nowhere => return Err(ObjectError::Nowhere),
        };
        match &self.begun {
            Begun::S3 { id, .. } => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Writes a part of what waits.
    #[instrument(name = "object.part", level = "debug", skip_all)]
    pub(crate) async fn flush(&mut self) -> Result<(), ObjectError> {
        let part = self.waiting.split_to(self.objects.part().min(self.waiting.len())).freeze();
        self.write(part).await
    }

    async fn write(&mut self, part: Bytes) -> Result<(), ObjectError> {
        let payload = PutPayload::from(part);
        match (&mut self.begun, &self.objects.kind) {
            (Begun::Disk(upload), _) => self.objects.in_time(upload.put_part(payload)).await,
            (Begun::S3 { id, parts }, Kind::S3(s3)) => {
                let put = s3.put_part(&self.path, id, parts.len(), payload);
                parts.push(self.objects.in_time(put).await?);
                Ok(())
            }
            // Never: a bucket begins as one.
            (Begun::No | Begun::S3 { .. }, _) => Err(ObjectError::Changed),
        }
    }

    /// Writes what is left. When this returns the object is there, and its bytes are safe.
    #[instrument(name = "object.finish", level = "debug", skip_all)]
    pub(crate) async fn finish(mut self) -> Result<(), ObjectError> {
        let rest = std::mem::take(&mut self.waiting).freeze();
        if matches!(self.begun, Begun::No) {
            self.objects.in_time(self.objects.store()?.put(&self.path, PutPayload::from(rest))).await?;
            return Ok(());
        }
        if !rest.is_empty() {
            self.write(rest).await?;
        }
        match (self.begun, &self.objects.kind) {
            (Begun::Disk(mut upload), _) => self.objects.in_time(upload.complete()).await.map(drop),
            (Begun::S3 { id, parts }, Kind::S3(s3)) => {
                self.objects.in_time(s3.complete_multipart(&self.path, &id, parts)).await.map(drop)
            }
            (Begun::No | Begun::S3 { .. }, _) => Err(ObjectError::Changed),
        }
    }
}

/// Removes what an upload has left that was broken off by the end of its process, and sees to it that what was
/// removed does not come back.
pub(super) async fn clear(disk: &Arc<LocalFileSystem>, path: &Path) -> Result<(), ObjectError> {
    let file = disk.path_to_filesystem(path)?;
    let cleared = tokio::task::spawn_blocking(move || {
        let mut staged = OsString::from(&file);
        staged.push(STAGED);
        match std::fs::remove_file(PathBuf::from(staged)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The folders may be gone with the last file in them.
        match file.ancestors().skip(1).find(|folder| folder.is_dir()) {
            Some(folder) => std::fs::File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    });
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| {
        ObjectError::Unavailable(object_store::Error::Generic { store: "LocalFileSystem", source })
    };
    cleared.await.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))
}
