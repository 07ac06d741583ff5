//! One upload, from what is said of the file to its row.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use svc_core::idempotency::{IdempotentCall, Kept, Once, Repeat};
use svc_core::ids::hex;

use super::Files;
use super::collector::Abandoned;
use super::received::{Received, Whole};
use crate::change::Changed;
use crate::domain::{Actor, FILES_MAX, File, FileDraft, FileTerms, Locator};
use crate::error::ContactError;

/// How long an object may be without a file: twice as long as an upload may take (`deadline_ms` in the proto). Then
/// whoever writes it is dead.
pub(crate) const MAY_TAKE: Duration = Duration::from_secs(20 * 60);
/// Random bytes in a key, so that nobody guesses it.
const RANDOM: usize = 16;

/// What is to be stored, but for its bytes.
pub(crate) struct Upload {
    pub(crate) locator: Locator,
    pub(crate) draft: FileDraft,
    /// The call, when it takes effect once. Its digest tells of everything but the content.
    pub(crate) call: Option<IdempotentCall>,
    /// What is kept of its answer.
    pub(crate) keep: fn(&File) -> Kept,
}

/// What came of an upload.
#[derive(Debug)]
pub(crate) enum Stored {
    /// A file.
    File(Box<File>),
    /// The answer of the first call with the same content.
    Repeated(Kept),
}

impl Files {
    /// Stores a file. When this returns its bytes are safe; when it fails, or is dropped, nothing is there, and what was
    /// written is collected.
    pub(crate) async fn upload<S, E>(&self, actor: &Actor, upload: Upload, content: S) -> Result<Stored, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: From<ContactError>,
    {
        let Upload { locator, draft, call, keep } = upload;
        let said = draft.check(self.max_bytes).map_err(ContactError::Invalid)?;
        // A repeat is answered as the first call was, also when the contact is gone. Nothing is stored for it.
        if let Some(call) = &call
            && self.changes.has_kept(call).await?
        {
            let _place = self.places.try_acquire().map_err(|_| ContactError::TooManyUploads)?;
            return self.repeat(call.clone(), said, content).await;
        }
        let contact_id = self.contact_id(&actor.partition, &locator).await?;
        let _place = self.places.try_acquire().map_err(|_| ContactError::TooManyUploads)?;

        let (id, now) = (self.ids.next(), self.clock.now());
        let key = self.key(actor, &contact_id, &id);
        self.begin(actor, &key).await?;
        let abandoned = self.collector.unless_kept(actor, &key);
        let whole = self.write(actor, &key, said, content).await?;

        let Whole { said, size, sha256, content_type } = whole;
        let call = call.map(|call| IdempotentCall { digest: call.digest.with_content(&sha256), ..call });
        let once = Once::of(call, keep);
        let file = File {
            id,
            contact_id,
            name: said.name,
            content_type,
            description: said.description,
            size,
            sha256,
            object_key: key,
            created_at: now,
        };
        Ok(Stored::File(Box::new(self.keep(actor, locator, file, once, abandoned).await?)))
    }

    /// Ours alone: of what the client says nothing is in it.
    fn key(&self, actor: &Actor, contact_id: &str, id: &str) -> String {
        let mut random = [0; RANDOM];
        self.random.fill(&mut random);
        let partition = &actor.partition;
        format!("{}/{}/{contact_id}/{id}-{}", partition.organization_id, partition.agent_id, hex(&random))
    }

    async fn begin(&self, actor: &Actor, key: &str) -> Result<(), ContactError> {
        let collect_at = self.clock.now().plus(MAY_TAKE);
        let (partition, key) = (actor.partition.clone(), key.to_owned());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    work.begin_object(&partition, &key, collect_at).await?;
                    Ok(Changed::no_contact(()))
                })
            })
            .await
    }

    async fn write<S, E>(&self, actor: &Actor, key: &str, said: FileTerms, content: S) -> Result<Whole, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: From<ContactError>,
    {
        let mut content = pin!(content);
        let mut received = Received::new(said, self.max_bytes);
        let mut writer = self.objects.writer(key);
        while let Some(piece) = content.next().await {
            let piece = piece?;
            received.take(&piece)?;
            writer.push(&piece);
            while writer.is_full() {
                if let Some(parts) = writer.begin().await.map_err(ContactError::from)? {
                    let parts = parts.to_owned();
                    self.note_parts(actor, key, parts).await?;
                }
                writer.flush().await.map_err(ContactError::from)?;
            }
        }
        let whole = received.end()?;
        writer.finish().await.map_err(ContactError::from)?;
        Ok(whole)
    }

    async fn note_parts(&self, actor: &Actor, key: &str, parts: String) -> Result<(), ContactError> {
        let (partition, key) = (actor.partition.clone(), key.to_owned());
        self.changes
            .make(actor, |work| {
                Box::pin(async move {
                    work.note_parts(&partition, &key, &parts).await?;
                    Ok(Changed::no_contact(()))
                })
            })
            .await
    }

    /// Makes a file of an object, whose bytes are safe by now.
    async fn keep(
        &self,
        actor: &Actor,
        locator: Locator,
        file: File,
        once: Option<Once<File>>,
        abandoned: Abandoned,
    ) -> Result<File, ContactError> {
        let partition = actor.partition.clone();
        let making = self.changes.make_once(actor, once, |work| {
            Box::pin(async move {
                // Locked, so that it is not deleted without this file.
                let contact = work.find(&partition, &locator).await?;
                let is_same = contact.is_some_and(|contact| contact.id == file.contact_id);
                if !is_same {
                    return Err(ContactError::NotFound);
                }
                if work.count_files(&partition, &file.contact_id).await? >= FILES_MAX {
                    return Err(ContactError::TooManyFiles);
                }
                if !work.take_object(&partition, &file.object_key).await? {
                    return Err(ContactError::UploadLapsed);
                }
                work.insert_file(&partition, &file).await?;
                Ok(Changed::no_contact(file))
            })
        });
        let kept = making.await;
        match &kept {
            Ok(_) => abandoned.keep(),
            // What a collector has taken, it may have removed before the last bytes came.
            Err(ContactError::UploadLapsed) => abandoned.again(),
            Err(_) => {}
        }
        kept
    }

    /// Reads a content whose call was made before, to see that it is the same.
    async fn repeat<S, E>(&self, call: IdempotentCall, said: FileTerms, content: S) -> Result<Stored, E>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: From<ContactError>,
    {
        let mut content = pin!(content);
        let mut received = Received::new(said, self.max_bytes);
        while let Some(piece) = content.next().await {
            received.take(&piece?)?;
        }
        let digest = call.digest.with_content(&received.end()?.sha256);
        let kept = self.changes.kept(&IdempotentCall { digest, ..call }).await?;
        // It has lapsed while this one came in.
        Ok(Stored::Repeated(kept.ok_or(ContactError::Repeated(Repeat::InProgress))?))
    }
}
