-- Imports of contacts: how far each has come, written together with the rows that it tells of. Times are Unix
-- microseconds.
CREATE TABLE contact_imports (
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    id              TEXT NOT NULL,
    label           TEXT,
    status          TEXT NOT NULL CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED')),
    dry_run         INTEGER NOT NULL,
    rows_read       INTEGER NOT NULL,
    rows_created    INTEGER NOT NULL,
    rows_updated    INTEGER NOT NULL,
    rows_unchanged  INTEGER NOT NULL,
    rows_failed     INTEGER NOT NULL,
    -- Why it failed as a whole: JSON with code and message.
    failure         TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    -- Who carries it out: a number that nobody else has. Another takes over where this one was not seen for a while.
    runner          TEXT NOT NULL,
    seen_at         INTEGER NOT NULL,
    -- Where it stands in its content: the bytes that are dealt with, the lines that these are, and their SHA-256.
    position        INTEGER NOT NULL,
    lines           INTEGER NOT NULL,
    digest          BLOB NOT NULL,
    -- With an Idempotency-Key: the key or the member that calls, and the digests of the request without its content.
    subject         TEXT,
    scope           BLOB,
    request         BLOB,
    PRIMARY KEY (organization_id, agent_id, id)
) STRICT;
CREATE UNIQUE INDEX contact_imports_by_call ON contact_imports (organization_id, agent_id, subject, scope);
CREATE INDEX contact_imports_by_label ON contact_imports (organization_id, agent_id, label, id);
CREATE INDEX contact_imports_by_creation ON contact_imports (created_at);

-- Rows that were refused. They say what is wrong, and never a value.
CREATE TABLE contact_import_errors (
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    import_id       TEXT NOT NULL,
    line            INTEGER NOT NULL,
    -- JSON with code, message and details.
    error           TEXT NOT NULL,
    PRIMARY KEY (organization_id, agent_id, import_id, line),
    FOREIGN KEY (organization_id, agent_id, import_id) REFERENCES contact_imports ON DELETE CASCADE
) STRICT;
