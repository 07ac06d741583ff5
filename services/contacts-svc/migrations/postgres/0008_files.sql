-- Files of contacts. Their bytes are objects, on a disk or in S3 (contacts.files): a row is here only when they are safe
-- there. Times are Unix microseconds. Ids and keys compare byte by byte, as they do on SQLite.
CREATE TABLE files (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    contact_id      TEXT COLLATE "C" NOT NULL,
    file_name       TEXT   NOT NULL,
    content_type    TEXT   NOT NULL,
    description     TEXT,
    size_bytes      BIGINT NOT NULL CHECK (size_bytes >= 1),
    -- Of the content, in hex.
    sha256          TEXT   NOT NULL,
    object_key      TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at      BIGINT NOT NULL
);
-- The list: newest first.
CREATE INDEX files_by_contact ON files (organization_id, agent_id, contact_id, created_at DESC, id DESC);

-- Objects that no row of `files` has: of uploads that run or broke off, and of files that were deleted.
CREATE TABLE file_objects (
    object_key      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    -- UPLOADING: its upload may still make a file of it. ABANDONED: nobody will.
    state           TEXT   NOT NULL CHECK (state IN ('UPLOADING', 'ABANDONED')),
    -- By which S3 knows the parts of it that have come.
    upload_id       TEXT,
    -- When it may be collected, whatever its state.
    collect_at      BIGINT NOT NULL
);
CREATE INDEX file_objects_by_time ON file_objects (collect_at);
