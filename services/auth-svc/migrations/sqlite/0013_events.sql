-- What happened to API keys and waits to be told by webhooks, which another service sends.
CREATE TABLE events (
    id              TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    agent_id        TEXT NOT NULL,
    type            TEXT   NOT NULL,
    -- What is told, a JSON object.
    data            TEXT   NOT NULL,
    -- Unix microseconds.
    at              BIGINT NOT NULL
);
CREATE INDEX events_by_time ON events (at, id);
