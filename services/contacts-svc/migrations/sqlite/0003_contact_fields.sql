-- The fields that members declared for the contacts of an agent: a JSON array, in the order in which they were
-- declared. An agent without a row never had one.
CREATE TABLE contact_field_sets (
    organization_id TEXT    NOT NULL,
    agent_id        TEXT    NOT NULL,
    -- Grows by 1 with every change.
    revision        INTEGER NOT NULL CHECK (revision >= 1),
    fields          TEXT    NOT NULL,
    PRIMARY KEY (organization_id, agent_id)
) STRICT;

-- Who has which value of a unique field. `digest` is SHA-256 of what the value is compared by.
CREATE TABLE contact_unique_values (
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    field_key       TEXT NOT NULL,
    digest          BLOB NOT NULL,
    contact_id      TEXT NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (organization_id, agent_id, field_key, digest)
) STRICT;
CREATE INDEX contact_unique_values_by_contact ON contact_unique_values (contact_id);
