-- Imports of contacts: how far each has come, written together with the rows that it tells of. Times are Unix
-- microseconds.
CREATE TABLE contact_imports (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    label           TEXT COLLATE "C",
    status          TEXT NOT NULL CHECK (status IN ('RUNNING', 'FINISHED', 'FAILED')),
    dry_run         BOOLEAN NOT NULL,
    rows_read       BIGINT NOT NULL,
    rows_created    BIGINT NOT NULL,
    rows_updated    BIGINT NOT NULL,
    rows_unchanged  BIGINT NOT NULL,
    rows_failed     BIGINT NOT NULL,
    -- Why it failed as a whole: JSON with code and message.
    failure         TEXT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    finished_at     BIGINT,
    -- Who carries it out: a number that nobody else has. Another takes over where this one was not seen for a while.
    runner          TEXT COLLATE "C" NOT NULL,
    seen_at         BIGINT NOT NULL,
    -- Where it stands in its content: the bytes that are dealt with, the lines that these are, and their SHA-256.
    position        BIGINT NOT NULL,
    lines           BIGINT NOT NULL,
    digest          BYTEA NOT NULL,
    -- With an Idempotency-Key: the key or the member that calls, and the digests of the request without its content.
    subject         TEXT COLLATE "C",
    scope           BYTEA,
    request         BYTEA,
    PRIMARY KEY (organization_id, agent_id, id)
);
CREATE UNIQUE INDEX contact_imports_by_call ON contact_imports (organization_id, agent_id, subject, scope);
CREATE INDEX contact_imports_by_label ON contact_imports (organization_id, agent_id, label, id);
CREATE INDEX contact_imports_by_creation ON contact_imports (created_at);

-- Rows that were refused. They say what is wrong, and never a value.
CREATE TABLE contact_import_errors (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    import_id       TEXT COLLATE "C" NOT NULL,
    line            BIGINT NOT NULL,
    -- JSON with code, message and details.
    error           TEXT NOT NULL,
    PRIMARY KEY (organization_id, agent_id, import_id, line),
    FOREIGN KEY (organization_id, agent_id, import_id) REFERENCES contact_imports ON DELETE CASCADE
);
