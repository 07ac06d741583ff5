-- Agents that were deleted (svc_db::OutboxTable::Erasures), written with the deletion, for the services that hold something of
-- them.
CREATE TABLE erasures (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    kind            TEXT   NOT NULL,
    -- What is told, a JSON object.
    data            TEXT   NOT NULL,
    -- Unix microseconds.
    at              BIGINT NOT NULL
);
CREATE INDEX erasures_by_time ON erasures (at, id);
