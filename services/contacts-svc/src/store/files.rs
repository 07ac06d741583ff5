//! Files and their objects, on both engines.

use async_trait::async_trait;
use svc_core::clock::Timestamp;
use svc_core::page::PageSize;
use svc_db::{DbError, Dialect, Query, Row, Scope, sql};
use tracing::instrument;

use super::StoreError;
use super::sql::{SqlStore, SqlWork};
use crate::domain::{File, FilePage, FilePosition, Locator, Partition};

/// Files. Every query is about one partition and sees no other.
#[async_trait]
pub(crate) trait FileStore: Send + Sync {
    /// A file of a contact.
    async fn find_file(
        &self,
        partition: &Partition,
        locator: &Locator,
        id: &str,
    ) -> Result<Option<File>, StoreError>;

    /// A file of an agent, whichever contact it is of.
    async fn find_file_of_agent(&self, partition: &Partition, id: &str) -> Result<Option<File>, StoreError>;

    /// A page of the files of a contact, newest first, those that follow `after`.
    async fn list_files(
        &self,
        partition: &Partition,
        contact_id: &str,
        size: PageSize,
        after: Option<&FilePosition>,
    ) -> Result<FilePage, StoreError>;

    /// How many files a contact has.
    async fn count_files(&self, partition: &Partition, contact_id: &str) -> Result<u64, StoreError>;
}

/// What a change may do with files. All of it is about objects whose contact it has locked, or that no file has yet.
#[async_trait]
pub(crate) trait FileWork: Send {
    /// Notes an object that is about to be written, with when it may be collected unless a file has it by then. Of one
    /// that is noted already, the time is set.
    async fn begin_object(
        &mut self,
        partition: &Partition,
        key: &str,
        collect_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Notes by which id S3 knows the parts of an object.
    async fn note_parts(
        &mut self,
        partition: &Partition,
        key: &str,
        upload_id: &str,
    ) -> Result<(), StoreError>;

    /// Takes an object for a file. `false`: its time was over, and it may be collected by now.
    async fn take_object(&mut self, partition: &Partition, key: &str) -> Result<bool, StoreError>;

    /// Gives up an object that no file has taken: it may be collected from now on.
    async fn abandon_object(
        &mut self,
        partition: &Partition,
        key: &str,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// How many files a contact has.
    async fn count_files(&mut self, partition: &Partition, contact_id: &str) -> Result<u64, StoreError>;

    /// Adds a file.
    async fn insert_file(&mut self, partition: &Partition, file: &File) -> Result<(), StoreError>;

    /// Removes a file and gives up its object. `false`: there is none.
    async fn delete_file(
        &mut self,
        partition: &Partition,
        contact_id: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes all files of a contact and gives up their objects, and gives their ids. For whoever removes the contact,
    /// which is locked.
    async fn delete_files_of(
        &mut self,
        partition: &Partition,
        contact_id: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError>;
}

/// An object to be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    pub(crate) key: String,
    pub(crate) upload_id: Option<String>,
}

/// The objects that no file has, of all partitions: what is to be collected knows no caller.
#[async_trait]
pub(crate) trait Leftovers: Send + Sync {
    /// The objects whose time is over, at most so many. They are nobody's any more, and are given to whoever asks after
    /// `again`, in case this one does not come to it.
    async fn due(&self, now: Timestamp, again: Timestamp, most: i64) -> Result<Vec<Leftover>, StoreError>;

    /// Forgets an object that was collected.
    async fn forget(&self, key: &str) -> Result<(), StoreError>;
}

macro_rules! columns {
    () => {
        "f.id, f.contact_id, f.file_name, f.content_type, f.description, f.size_bytes, f.sha256, f.object_key, \
         f.created_at"
    };
}

/// A SELECT of a file by its contact, which is in the same partition.
macro_rules! find {
    ($column:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM files f JOIN contacts c ON c.organization_id = f.organization_id AND c.agent_id = f.agent_id \
             AND c.id = f.contact_id \
             WHERE f.organization_id = $1 AND f.agent_id = $2 AND f.id = $3 AND c.",
            $column,
            " = $4"
        )
    };
}

/// Whichever contact it is of.
const FIND_OF_AGENT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM files f WHERE f.organization_id = $1 AND f.agent_id = $2 AND f.id = $3"
);
const FIND_BY_ID: &str = find!("id");
const FIND_BY_REFERENCE: &str = find!("external_reference_id");
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM files f WHERE f.organization_id = $1 AND f.agent_id = $2 AND f.contact_id = $3 \
     AND (f.created_at, f.id) < ($4, $5) ORDER BY f.created_at DESC, f.id DESC LIMIT $6"
);
const COUNT: &str = "SELECT count(*) AS files FROM files \
     WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3";
/// A conflict is with one that a collector has taken: then only the time is set.
const BEGIN: &str = "INSERT INTO file_objects (organization_id, agent_id, object_key, state, collect_at) \
     VALUES ($1, $2, $3, 'UPLOADING', $4) ON CONFLICT (object_key) DO UPDATE SET collect_at = excluded.collect_at";
const NOTE_PARTS: &str = "UPDATE file_objects SET upload_id = $4 \
     WHERE organization_id = $1 AND agent_id = $2 AND object_key = $3";
const TAKE: &str = "DELETE FROM file_objects \
     WHERE organization_id = $1 AND agent_id = $2 AND object_key = $3 AND state = 'UPLOADING'";
/// Only one that is still there: once a file has taken it, it is the file's.
const ABANDON: &str = "UPDATE file_objects SET state = 'ABANDONED', collect_at = $4 \
     WHERE organization_id = $1 AND agent_id = $2 AND object_key = $3";
const INSERT: &str = "INSERT INTO files (organization_id, agent_id, contact_id, id, file_name, content_type, \
     description, size_bytes, sha256, object_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Gives up the objects of the files that the condition names; `$1` to `$3` the partition and the contact, `$4` the time.
macro_rules! give_up {
    ($($and:literal)?) => {
        concat!(
            "INSERT INTO file_objects (object_key, organization_id, agent_id, state, collect_at) \
             SELECT object_key, organization_id, agent_id, 'ABANDONED', $4 FROM files \
             WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3",
            $($and)?
        )
    };
}

const GIVE_UP_ONE: &str = give_up!(" AND id = $5");
const GIVE_UP_ALL: &str = give_up!();
const DELETE_ONE: &str =
    "DELETE FROM files WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3 AND id = $4";
const DELETE_ALL: &str =
    "DELETE FROM files WHERE organization_id = $1 AND agent_id = $2 AND contact_id = $3 RETURNING id";

/// The last condition is for one that another replica takes at this moment.
const DUE: &str = "UPDATE file_objects SET state = 'ABANDONED', collect_at = $2 WHERE object_key IN \
     (SELECT object_key FROM file_objects WHERE collect_at <= $1 ORDER BY collect_at LIMIT $3) AND collect_at <= $1 \
     RETURNING object_key, upload_id";
const FORGET: &str = "DELETE FROM file_objects WHERE object_key = $1 AND state = 'ABANDONED'";

/// The position before all files.
const START: (Timestamp, &str) = (Timestamp(i64::MAX), "");

fn read<D: Dialect>(row: &Row<D>) -> Result<File, StoreError> {
    Ok(File {
        id: row.get("id")?,
        contact_id: row.get("contact_id")?,
        name: row.get("file_name")?,
        content_type: row.get("content_type")?,
        description: row.get("description")?,
        size: u64::try_from(row.get::<i64>("size_bytes")?)
            .map_err(|_| StoreError::Corrupt { column: "size_bytes" })?,
        sha256: row.get("sha256")?,
        object_key: row.get("object_key")?,
        created_at: row.time("created_at")?,
    })
}

fn count<D: Dialect>(row: Option<Row<D>>) -> Result<u64, StoreError> {
    let files = row.map(|row| row.get::<i64>("files")).transpose()?.unwrap_or_default();
    u64::try_from(files).map_err(|_| StoreError::Corrupt { column: "files" })
}

#[async_trait]
impl<D: Dialect> FileStore for SqlStore<D> {
    #[instrument(name = "db.file.find", level = "debug", skip_all)]
    async fn find_file(
        &self,
        partition: &Partition,
        locator: &Locator,
        id: &str,
    ) -> Result<Option<File>, StoreError> {
        let (query, contact) = match locator {
            Locator::Id(id) => (FIND_BY_ID, id),
            Locator::Reference(reference) => (FIND_BY_REFERENCE, reference),
        };
        let scope = Scope::of(partition);
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(query)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(id)
                .bind(contact)
                .within(&scope)
                .optional(connection)
        })?;
        row.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.file.find_of_agent", level = "debug", skip_all)]
    async fn find_file_of_agent(&self, partition: &Partition, id: &str) -> Result<Option<File>, StoreError> {
        let scope = Scope::of(partition);
        let row = svc_db::read!(self.db, |connection| {
            sql::<D>(FIND_OF_AGENT)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(id)
                .within(&scope)
                .optional(connection)
        })?;
        row.as_ref().map(read).transpose()
    }

    #[instrument(name = "db.file.list", level = "debug", skip_all)]
    async fn list_files(
        &self,
        partition: &Partition,
        contact_id: &str,
        size: PageSize,
        after: Option<&FilePosition>,
    ) -> Result<FilePage, StoreError> {
        let (created_at, id) = after.map_or(START, |after| (after.created_at, after.id.as_str()));
        let (size, scope) = (size.get() as usize, Scope::of(partition));
        let rows = svc_db::read!(self.db, |connection| {
            sql::<D>(LIST)
                .bind(&partition.organization_id)
                .bind(&partition.agent_id)
                .bind(contact_id)
                .bind(created_at)
                .bind(id)
                // One more than there is room for, to know whether a page follows.
                .bind(size as i64 + 1)
                .within(&scope)
                .all(connection)
        })?;
        let has_more = rows.len() > size;
        let files = rows.iter().take(size).map(read).collect::<Result<_, _>>()?;
        Ok(FilePage { files, has_more, total: None })
    }

    #[instrument(name = "db.file.count", level = "debug", skip_all)]
    async fn count_files(&self, partition: &Partition, contact_id: &str) -> Result<u64, StoreError> {
        let row = svc_db::read!(self.db, |connection| {
            of_contact::<D>(COUNT, partition, contact_id).within(&Scope::of(partition)).optional(connection)
        })?;
        count(row)
    }
}

/// A statement about the files of a contact: `$1` to `$3`.
fn of_contact<D: Dialect>(text: &'static str, partition: &Partition, contact_id: &str) -> Query<D> {
    sql::<D>(text).bind(&partition.organization_id).bind(&partition.agent_id).bind(contact_id)
}

#[async_trait]
impl<D: Dialect> FileWork for SqlWork<D> {
    #[instrument(name = "db.file_object.begin", level = "debug", skip_all)]
    async fn begin_object(
        &mut self,
        partition: &Partition,
        key: &str,
        collect_at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql::<D>(BEGIN).bind(&partition.organization_id).bind(&partition.agent_id);
        self.transaction.run(query.bind(key).bind(collect_at)).await?;
        Ok(())
    }

    #[instrument(name = "db.file_object.note_parts", level = "debug", skip_all)]
    async fn note_parts(
        &mut self,
        partition: &Partition,
        key: &str,
        upload_id: &str,
    ) -> Result<(), StoreError> {
        let query = sql::<D>(NOTE_PARTS).bind(&partition.organization_id).bind(&partition.agent_id);
        self.transaction.run(query.bind(key).bind(upload_id)).await?;
        Ok(())
    }

    #[instrument(name = "db.file_object.take", level = "debug", skip_all)]
    async fn take_object(&mut self, partition: &Partition, key: &str) -> Result<bool, StoreError> {
        let query = sql::<D>(TAKE).bind(&partition.organization_id).bind(&partition.agent_id);
        Ok(self.transaction.run(query.bind(key)).await? == 1)
    }

    #[instrument(name = "db.file_object.abandon", level = "debug", skip_all)]
    async fn abandon_object(
        &mut self,
        partition: &Partition,
        key: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sql::<D>(ABANDON).bind(&partition.organization_id).bind(&partition.agent_id);
        self.transaction.run(query.bind(key).bind(now)).await?;
        Ok(())
    }

    #[instrument(name = "db.file.count", level = "debug", skip_all)]
    async fn count_files(&mut self, partition: &Partition, contact_id: &str) -> Result<u64, StoreError> {
        count(self.transaction.optional(of_contact::<D>(COUNT, partition, contact_id)).await?)
    }

    #[instrument(name = "db.file.insert", level = "debug", skip_all)]
    async fn insert_file(&mut self, partition: &Partition, file: &File) -> Result<(), StoreError> {
        let size = i64::try_from(file.size).map_err(|_| StoreError::Corrupt { column: "size_bytes" })?;
        let query = sql::<D>(INSERT)
            .bind(&partition.organization_id)
            .bind(&partition.agent_id)
            .bind(&file.contact_id)
            .bind(&file.id)
            .bind(&file.name)
            .bind(&file.content_type)
            .bind(&file.description)
            .bind(size)
            .bind(&file.sha256)
            .bind(&file.object_key)
            .bind(file.created_at);
        self.transaction.run(query).await?;
        Ok(())
    }

    #[instrument(name = "db.file.delete", level = "debug", skip_all)]
    async fn delete_file(
        &mut self,
        partition: &Partition,
        contact_id: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let given_up = of_contact::<D>(GIVE_UP_ONE, partition, contact_id).bind(now).bind(id);
        self.transaction.run(given_up).await?;
        Ok(self.transaction.run(of_contact::<D>(DELETE_ONE, partition, contact_id).bind(id)).await? == 1)
    }

    #[instrument(name = "db.file.delete_all", level = "debug", skip_all)]
    async fn delete_files_of(
        &mut self,
        partition: &Partition,
        contact_id: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        // Most contacts have none.
        if self.transaction.run(of_contact::<D>(GIVE_UP_ALL, partition, contact_id).bind(now)).await? == 0 {
            return Ok(Vec::new());
        }
        let rows = self.transaction.all(of_contact::<D>(DELETE_ALL, partition, contact_id)).await?;
        rows.iter().map(|row| Ok(row.get("id")?)).collect()
    }
}

#[async_trait]
impl<D: Dialect> Leftovers for SqlStore<D> {
    #[instrument(name = "db.file_object.due", level = "debug", skip_all)]
    async fn due(&self, now: Timestamp, again: Timestamp, most: i64) -> Result<Vec<Leftover>, StoreError> {
        let mut transaction = self.db.begin_in(&Scope::everything()).await?;
        let rows = transaction.all(sql::<D>(DUE).bind(now).bind(again).bind(most)).await?;
        transaction.commit().await.map_err(DbError::from)?;
        let leftover =
            |row: &Row<D>| Ok(Leftover { key: row.get("object_key")?, upload_id: row.get("upload_id")? });
        rows.iter().map(leftover).collect()
    }

    #[instrument(name = "db.file_object.forget", level = "debug", skip_all)]
    async fn forget(&self, key: &str) -> Result<(), StoreError> {
        let mut transaction = self.db.begin_in(&Scope::everything()).await?;
        transaction.run(sql::<D>(FORGET).bind(key)).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }
}
