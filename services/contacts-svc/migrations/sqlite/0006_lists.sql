-- What lists go along, each in the order of one of them.
CREATE INDEX contacts_by_update ON contacts (organization_id, agent_id, status, updated_at, id);
-- Byte by byte, once the letters A to Z are lower.
CREATE INDEX contacts_by_name ON contacts (organization_id, agent_id, status, coalesce(lower(name), ''), id);

-- A number for each value of a contact that a filter can ask for, with its status (domain/terms.rs).
CREATE TABLE contact_terms (
    organization_id TEXT    NOT NULL,
    agent_id        TEXT    NOT NULL,
    term            INTEGER NOT NULL,
    -- Of the contact.
    created_at      INTEGER NOT NULL,
    contact_id      TEXT    NOT NULL,
    PRIMARY KEY (organization_id, agent_id, term, created_at, contact_id)
) STRICT, WITHOUT ROWID;

-- Numbers of all that a search can find in a contact, as words. Those of different agents differ.
CREATE VIRTUAL TABLE contact_search USING fts5(
    terms, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
-- Whose they are.
CREATE TABLE contact_search_rows (
    number          INTEGER PRIMARY KEY,
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    contact_id      TEXT NOT NULL,
    UNIQUE (organization_id, agent_id, contact_id)
) STRICT;

-- Contacts whose rows in these tables are to be made: those from before. It is done when the service opens.
CREATE TABLE contact_index_backlog (
    contact_id      TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO contact_index_backlog (contact_id, organization_id, agent_id)
SELECT id, organization_id, agent_id FROM contacts;
