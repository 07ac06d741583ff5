//! How long a reader may take by the clock. What it uses of a core is bounded by itself and by the kernel; this is for
//! one that does nothing.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::reader::{Limits, ReadError};

/// A reader gets at least this part of a core: others run beside it.
const SHARE: f64 = 0.2;
/// For starting it.
const START: Duration = Duration::from_secs(10);

/// The end of a reader's time, which moves as it says what the document is.
#[derive(Debug)]
pub(super) struct Wait {
    limits: Limits,
    began: Instant,
    pages: u32,
    pictures: u32,
}

impl Wait {
    /// From now on.
    pub(super) fn new(limits: &Limits) -> Wait {
        Wait { limits: limits.clone(), began: Instant::now(), pages: 0, pictures: 0 }
    }

    /// The document has so many pages.
    pub(super) fn pages(&mut self, pages: u32) {
        self.pages = pages;
    }

    /// One more page takes OCR; not more than there are.
    pub(super) fn picture(&mut self) {
        self.pictures = self.pictures.saturating_add(1).min(self.pages);
    }

    fn end(&self) -> Instant {
        let time = self.limits.cpu(self.pages, self.pictures) / SHARE;
        self.began + START + Duration::try_from_secs_f64(time).unwrap_or_default()
    }

    /// Waits for something of the reader.
    pub(super) async fn for_next<T>(&self, what: impl Future<Output = T>) -> Result<T, ReadError> {
        let over =
            |_| ReadError::TimedOut(format!("the reader said nothing for {:?}", self.end() - self.began));
        timeout_at(self.end(), what).await.map_err(over)
    }
}
