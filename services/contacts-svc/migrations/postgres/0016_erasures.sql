-- What was deleted, for those who hold more of it (svc_db::OutboxTable::Erasures), written with the deletion. Not in `outbox`:
-- a replica of the release before would hand all that is there on to the audit log.
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

-- Agents that are gone. What is left of them is deleted in the background; times are Unix microseconds.
CREATE TABLE agent_erasures (
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    taken_at        BIGINT NOT NULL,
    -- When it is looked next for what is left.
    look_at         BIGINT NOT NULL,
    PRIMARY KEY (organization_id, agent_id)
);
CREATE INDEX agent_erasures_by_look ON agent_erasures (look_at);

-- As 0010_row_security.sql has it for the others.
CREATE POLICY scope ON erasures USING (
    CASE (SELECT current_setting('keyward.scope', true)) WHEN '*' THEN true
    ELSE organization_id || '/' || agent_id
        = ANY ((SELECT nullif(current_setting('keyward.scope', true), '')::text[])::text[]) END
);
ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY scope ON agent_erasures USING (
    CASE (SELECT current_setting('keyward.scope', true)) WHEN '*' THEN true
    ELSE organization_id || '/' || agent_id
        = ANY ((SELECT nullif(current_setting('keyward.scope', true), '')::text[])::text[]) END
);
ALTER TABLE agent_erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE agent_erasures FORCE ROW LEVEL SECURITY;
