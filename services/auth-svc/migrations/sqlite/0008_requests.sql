-- The request log: one row for each request whose answer has ended, kept for some days (auth.request_log).
-- Ids tell when a request came, so the primary key is also the order in time, and what is too old stands at its
-- beginning. Nothing refers to keys and agents: their requests stay when they are deleted.
CREATE TABLE requests (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL,
    -- Of the key. Without a key the one that the path names.
    agent_id TEXT NOT NULL,
    -- NULL when no key was proven.
    key_id TEXT,
    secret_last4 TEXT,
    -- The client's own id of it.
    client_request_id TEXT,
    method TEXT NOT NULL,
    -- The template, never the path.
    route TEXT NOT NULL,
    operation TEXT NOT NULL,
    status BIGINT NOT NULL,
    -- ok, client_disconnected or the error code.
    code TEXT NOT NULL,
    -- Those that it needs, separated by ", ".
    permission TEXT,
    -- What the credential check told the caller, where that refused it.
    message TEXT,
    client_address TEXT NOT NULL,
    duration_micros BIGINT NOT NULL
) WITHOUT ROWID;
-- The requests of a key in the order of time, and those of one outcome.
CREATE INDEX requests_by_key ON requests (key_id, id);
CREATE INDEX requests_by_code ON requests (key_id, code, id);
