-- The request log: one row for each request whose answer has ended, kept for some days (auth.request_log).
-- Ids tell when a request came, so the primary key is also the order in time, and what is too old stands at its
-- beginning. Nothing refers to keys and agents: their requests stay when they are deleted.
CREATE TABLE requests (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    -- Of the key. Without a key the one that the path names.
    agent_id TEXT COLLATE "C" NOT NULL,
    -- NULL when no key was proven.
    key_id TEXT COLLATE "C",
    secret_last4 TEXT COLLATE "C",
    -- The client's own id of it.
    client_request_id TEXT COLLATE "C",
    method TEXT COLLATE "C" NOT NULL,
    -- The template, never the path.
    route TEXT COLLATE "C" NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    status BIGINT NOT NULL,
    -- ok, client_disconnected or the error code.
    code TEXT COLLATE "C" NOT NULL,
    -- Those that it needs, separated by ", ".
    permission TEXT COLLATE "C",
    -- What the credential check told the caller, where that refused it.
    message TEXT COLLATE "C",
    client_address TEXT COLLATE "C" NOT NULL,
    duration_micros BIGINT NOT NULL
);
-- The requests of a key in the order of time, and those of one outcome.
CREATE INDEX requests_by_key ON requests (key_id, id);
CREATE INDEX requests_by_code ON requests (key_id, code, id);
