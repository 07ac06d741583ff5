-- What the audit log is told of members (svc_db::OutboxTable::Deeds), written with the change that it tells of. Not in
-- `outbox`: a replica of the release before would hand all that is there on as events for webhooks, and forget it.
CREATE TABLE deeds (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    -- Empty for what all agents of the organization share.
    agent_id        TEXT COLLATE "C" NOT NULL,
    kind            TEXT   NOT NULL,
    -- What is told, a JSON object.
    data            TEXT   NOT NULL,
    -- Unix microseconds.
    at              BIGINT NOT NULL
);
CREATE INDEX deeds_by_time ON deeds (at, id);
