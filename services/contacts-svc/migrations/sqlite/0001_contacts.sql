-- Times are Unix microseconds. `tags` is a JSON array, `custom_fields` a JSON object.
CREATE TABLE contacts (
    id                    TEXT    NOT NULL PRIMARY KEY,
    organization_id       TEXT    NOT NULL,
    agent_id              TEXT    NOT NULL,
    external_reference_id TEXT,
    name                  TEXT,
    email                 TEXT,
    mobile_number         TEXT,
    gender                TEXT,
    stage                 TEXT    CHECK (stage IN ('LEAD', 'PROSPECT', 'CUSTOMER', 'OLD_CUSTOMER')),
    status                TEXT    NOT NULL CHECK (status IN ('ACTIVE', 'ARCHIVED')),
    source                TEXT,
    tags                  TEXT    NOT NULL,
    notes                 TEXT,
    custom_fields         TEXT    NOT NULL,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    archived_at           INTEGER,
    version               INTEGER NOT NULL CHECK (version >= 1),
    UNIQUE (organization_id, agent_id, external_reference_id)
) STRICT;

-- The default list: newest first.
CREATE INDEX contacts_by_creation ON contacts (organization_id, agent_id, status, created_at DESC, id DESC);
