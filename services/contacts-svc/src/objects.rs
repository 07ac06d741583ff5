//! Where the bytes of files are: a directory or a bucket, behind the interface of `object_store`.
//!
//! An object is written once, under a key that no other ever has, and is there as a whole or not at all. When a
//! `Writer` has finished its bytes are safe: on a disk they and the folders that lead to them are synced, and S3
//! answers only then.

mod config;
mod open;
mod read;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3;
use object_store::local::LocalFileSystem;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use svc_core::error::Error;
use tokio::time::timeout;
use tracing::instrument;

pub use config::FilesConfig;
pub use open::ObjectsError;
pub(crate) use read::Content;

/// What has gone wrong with an object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    /// There is none, though there should be.
    #[error("the object does not exist")]
    Missing,
    /// It is not what was written.
    #[error("the object is not what was written")]
    Changed,
    /// The store is away, or refuses.
    #[error("the object store failed")]
    Unavailable(#[source] object_store::Error),
    /// There is no place for objects.
    #[error("there is no place for files: set `contacts.files.url`")]
    Nowhere,
    /// The store does not answer.
    #[error("the object store did not answer in time")]
    TooSlow,
}

impl From<object_store::Error> for ObjectError {
    fn from(error: object_store::Error) -> ObjectError {
        match error {
            object_store::Error::NotFound { .. } => ObjectError::Missing,
            error => ObjectError::Unavailable(error),
        }
    }
}

impl From<ObjectError> for Error {
    fn from(error: ObjectError) -> Error {
        let cause = svc_core::error::cause(&error);
        tracing::error!(error = %error, cause, "object store error");
        match error {
            ObjectError::Missing | ObjectError::Changed => Error::internal(),
            ObjectError::Nowhere | ObjectError::Unavailable(_) | ObjectError::TooSlow => Error::unavailable(),
        }
    }
}

/// The objects of all files. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    kind: Kind,
    /// What all keys begin with.
    prefix: Path,
    /// How long the store may take for one step.
    patience: Duration,
}

#[derive(Clone, Debug)]
enum Kind {
    Disk(Arc<LocalFileSystem>),
    S3(Arc<AmazonS3>),
    /// Nothing is said of one, and the default cannot be.
    Nowhere,
}

impl Objects {
    fn store(&self) -> Result<&dyn ObjectStore, ObjectError> {
        match &self.kind {
            Kind::Disk(disk) => Ok(&**disk),
            Kind::S3(s3) => Ok(&**s3),
            Kind::Nowhere => Err(ObjectError::Nowhere),
        }
    }

    fn path(&self, key: &str) -> Path {
        let key = Path::from(key);
        Path::from_iter(self.prefix.parts().chain(key.parts()))
    }

    /// Removes an object, and what has come of one that was never finished. One that is gone is no error.
    #[instrument(name = "object.delete", level = "debug", skip_all)]
    pub(crate) async fn delete(&self, key: &str, upload_id: Option<&str>) -> Result<(), ObjectError> {
        let path = self.path(key);
        if let (Kind::S3(s3), Some(id)) = (&self.kind, upload_id) {
            gone_is_fine(self.in_time(s3.abort_multipart(&path, &id.to_owned())).await)?;
        }
        gone_is_fine(self.in_time(self.store()?.delete(&path)).await)?;
        match &self.kind {
            Kind::Disk(disk) => write::clear(disk, &path).await,
            Kind::S3(_) | Kind::Nowhere => Ok(()),
        }
    }

    async fn in_time<T>(
        &self,
        step: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, ObjectError> {
        match timeout(self.patience, step).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(ObjectError::TooSlow),
        }
    }
}

fn gone_is_fine(outcome: Result<(), ObjectError>) -> Result<(), ObjectError> {
    match outcome {
        Err(ObjectError::Missing) => Ok(()),
        outcome => outcome,
    }
}
