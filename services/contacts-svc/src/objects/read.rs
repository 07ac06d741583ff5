//! Reading an object, or a part of it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use object_store::{GetOptions, GetRange, GetResultPayload};
use tokio::time::timeout;
use tracing::instrument;

use super::{ObjectError, Objects};

/// What is read of a disk at once.
const PIECE: u64 = 128 * 1024;

/// The bytes of an object, as they are read.
pub(crate) type Content = BoxStream<'static, Result<Vec<u8>, ObjectError>>;

impl Objects {
    /// The bytes in this range of an object of this size, all of which are there: it fails before the end when they are
    /// not.
    #[instrument(name = "object.read", level = "debug", skip_all)]
    pub(crate) async fn read(&self, key: &str, size: u64, range: Range<u64>) -> Result<Content, ObjectError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range.clone())), ..GetOptions::default() };
        let found = self.in_time(self.store()?.get_opts(&self.path(key), options)).await?;
        if found.range != range || found.meta.size != size {
            return Err(ObjectError::Changed);
        }
        match found.payload {
            GetResultPayload::File(file, _) => Ok(of_file(file, range)),
            GetResultPayload::Stream(pieces) => {
                let (patience, left) = (self.patience, range.end - range.start);
                let pieces = try_unfold((pieces, left), move |(mut pieces, left)| async move {
                    let next = timeout(patience, pieces.next()).await.map_err(|_| ObjectError::TooSlow)?;
                    match next.transpose()? {
                        None if left == 0 => Ok(None),
                        None => Err(ObjectError::Changed),
                        Some(piece) => {
                            let left = left.checked_sub(piece.len() as u64).ok_or(ObjectError::Changed)?;
                            Ok(Some((Vec::from(piece), (pieces, left))))
                        }
                    }
                });
                Ok(pieces.boxed())
            }
        }
    }
}

/// The bytes of an open file. They stay while it is open, also when it is deleted meanwhile.
fn of_file(file: File, range: Range<u64>) -> Content {
    let file = Arc::new(file);
    try_unfold(range, move |range| {
        let file = file.clone();
        async move {
            let length = PIECE.min(range.end - range.start);
            if length == 0 {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                // No more than a piece, which fits.
                let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
                file.read_exact_at(&mut piece, range.start).map(|()| piece)
            });
            let piece = read.await.map_err(|_| ObjectError::Changed)?.map_err(|_| ObjectError::Changed)?;
            Ok(Some((piece, range.start + length..range.end)))
        }
    })
    .boxed()
}
