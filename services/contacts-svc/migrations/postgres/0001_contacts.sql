-- Times are Unix microseconds. `tags` is a JSON array, `custom_fields` a JSON object. Ids and
-- references compare byte by byte, as they do on SQLite.
CREATE TABLE contacts (
    id                    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id       TEXT COLLATE "C" NOT NULL,
    agent_id              TEXT COLLATE "C" NOT NULL,
    external_reference_id TEXT COLLATE "C",
    name                  TEXT,
    email                 TEXT,
    mobile_number         TEXT,
    gender                TEXT,
    stage                 TEXT   CHECK (stage IN ('LEAD', 'PROSPECT', 'CUSTOMER', 'OLD_CUSTOMER')),
    status                TEXT   NOT NULL CHECK (status IN ('ACTIVE', 'ARCHIVED')),
    source                TEXT,
    tags                  TEXT   NOT NULL,
    notes                 TEXT,
    custom_fields         TEXT   NOT NULL,
    created_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL,
    archived_at           BIGINT,
    version               BIGINT NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, agent_id, external_reference_id)
);

-- The default list: newest first.
CREATE INDEX contacts_by_creation ON contacts (organization_id, agent_id, status, created_at DESC, id DESC);
