-- What was deleted, for those who hold more of it (svc_db::OutboxTable::Erasures), written with the deletion. Not in `outbox`:
-- a replica of the release before would hand all that is there on to the audit log.
CREATE TABLE erasures (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    kind            TEXT   NOT NULL,
    -- What is told, a JSON object.
    data            TEXT   NOT NULL,
    -- Unix microseconds.
    at              INTEGER NOT NULL
) STRICT;
CREATE INDEX erasures_by_time ON erasures (at, id);

-- Agents that are gone. What is left of them is deleted in the background; times are Unix microseconds.
CREATE TABLE agent_erasures (
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    taken_at        INTEGER NOT NULL,
    -- When it is looked next for what is left.
    look_at         INTEGER NOT NULL,
    PRIMARY KEY (organization_id, agent_id)
) STRICT;
CREATE INDEX agent_erasures_by_look ON agent_erasures (look_at);
