-- What is told to other services (svc_db::Outbox), written with the change that it tells of.
CREATE TABLE outbox (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    kind            TEXT   NOT NULL,
    -- What is told, a JSON object.
    data            TEXT   NOT NULL,
    -- Unix microseconds.
    at              BIGINT NOT NULL
);
CREATE INDEX outbox_by_time ON outbox (at, id);
