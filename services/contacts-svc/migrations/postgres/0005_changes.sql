-- Where the feed of an agent's changes ends, and how many contacts it has. Each change locks the row as the last thing
-- before its commit. So changes are numbered from 1 on without gaps, in the order in which they become visible.
CREATE TABLE contact_feeds (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    last_sequence   BIGINT NOT NULL,
    -- Changes up to this one are not kept any more.
    pruned_sequence BIGINT NOT NULL DEFAULT 0,
    active          BIGINT NOT NULL,
    archived        BIGINT NOT NULL,
    PRIMARY KEY (organization_id, agent_id)
) WITH (fillfactor = 50);

-- What happened to contacts. It outlives them, and holds nothing of what they hold.
CREATE TABLE contact_changes (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    sequence        BIGINT NOT NULL,
    contact_id      TEXT COLLATE "C" NOT NULL,
    kind            TEXT   NOT NULL CHECK (kind IN ('CREATED', 'UPDATED', 'ARCHIVED', 'UNARCHIVED', 'DELETED')),
    -- The version that the change made. A deletion has the last one plus 1.
    version         BIGINT NOT NULL,
    -- Unix microseconds.
    changed_at      BIGINT NOT NULL,
    -- The key or the member that made it. None of what was there before this table.
    actor_id        TEXT COLLATE "C",
    PRIMARY KEY (organization_id, agent_id, sequence)
);
-- What happened to one contact.
CREATE INDEX contact_changes_by_contact ON contact_changes (organization_id, agent_id, contact_id, sequence);

INSERT INTO contact_changes (organization_id, agent_id, sequence, contact_id, kind, version, changed_at)
SELECT organization_id, agent_id,
       row_number() OVER (PARTITION BY organization_id, agent_id ORDER BY created_at, id), id, 'CREATED', 1, created_at
FROM contacts;
INSERT INTO contact_feeds (organization_id, agent_id, last_sequence, active, archived)
SELECT organization_id, agent_id, count(*), sum(CASE status WHEN 'ACTIVE' THEN 1 ELSE 0 END),
       sum(CASE status WHEN 'ACTIVE' THEN 0 ELSE 1 END)
FROM contacts GROUP BY organization_id, agent_id;

-- The key of cursors, one row, made by the first process that needs it.
CREATE TABLE cursor_keys (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    key BYTEA  NOT NULL
);
