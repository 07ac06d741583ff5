-- What lists go along, each in the order of one of them.
CREATE INDEX contacts_by_update ON contacts (organization_id, agent_id, status, updated_at, id);
-- Byte by byte, as on SQLite, once the letters A to Z are lower.
ALTER TABLE contacts ALTER COLUMN name TYPE TEXT COLLATE "C";
CREATE INDEX contacts_by_name ON contacts (organization_id, agent_id, status, coalesce(lower(name), ''), id);

-- A number for each value of a contact that a filter can ask for, with its status (domain/terms.rs).
CREATE TABLE contact_terms (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    term            BIGINT NOT NULL,
    -- Of the contact.
    created_at      BIGINT NOT NULL,
    contact_id      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (organization_id, agent_id, term, created_at, contact_id)
);

-- Numbers of all that a search can find in a contact. Those of different agents differ. No index begins with the
-- agent: the planner, who does not know how many contacts it has, might go through all of them.
CREATE TABLE contact_search (
    contact_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    terms           INTEGER[] NOT NULL
);
-- What waits to be merged into it is looked through by every search, so that is kept short.
CREATE INDEX contact_search_by_term ON contact_search USING gin (terms) WITH (gin_pending_list_limit = 512);

-- Contacts whose rows in these tables are to be made: those from before. It is done when the service opens.
CREATE TABLE contact_index_backlog (
    contact_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL
);
INSERT INTO contact_index_backlog (contact_id, organization_id, agent_id)
SELECT id, organization_id, agent_id FROM contacts;
