-- Organizations, their members and agents, API keys with their secrets, personal access tokens.
-- Times are Unix microseconds. Lists are JSON arrays.

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- One row once `keyward setup` has run, so that two of them cannot both succeed.
CREATE TABLE setup (
    once BIGINT NOT NULL PRIMARY KEY CHECK (once = 1)
);

CREATE TABLE agents (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    mode TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX agents_by_organization ON agents (organization_id, id);

-- A removed member keeps the row: keys still say who made them.
CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    removed_at BIGINT
);
CREATE UNIQUE INDEX members_by_email ON members (organization_id, email_folded) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX members_one_owner ON members (organization_id) WHERE removed_at IS NULL AND role = 'OWNER';

CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    member_id TEXT NOT NULL REFERENCES members (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- SHA-256 of the token, which has 256 random bits.
    hash BLOB NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX tokens_by_member ON tokens (member_id, id);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    agent_id TEXT NOT NULL REFERENCES agents (id),
    api_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    per_minute BIGINT NOT NULL,
    per_hour BIGINT NOT NULL,
    allowed_ips TEXT NOT NULL,
    expires_at BIGINT,
    disabled_at BIGINT,
    created_by TEXT NOT NULL REFERENCES members (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_used_at BIGINT,
    version BIGINT NOT NULL
);
CREATE INDEX api_keys_by_agent ON api_keys (agent_id, id);
CREATE INDEX api_keys_by_organization ON api_keys (organization_id, id);
CREATE INDEX api_keys_by_creator ON api_keys (created_by);

-- At most two live secrets a key: the newest, and during an overlap the one before.
CREATE TABLE api_key_secrets (
    id TEXT NOT NULL PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    -- argon2id in PHC format.
    hash TEXT NOT NULL,
    -- HMAC-SHA-256 under the verifier key with this id.
    verifier BLOB,
    verifier_key_id TEXT,
    last4 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The end of the overlap; NULL for the newest.
    expires_at BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_key_secrets_by_key ON api_key_secrets (key_id);
