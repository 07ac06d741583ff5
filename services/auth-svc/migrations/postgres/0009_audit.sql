-- What was done by whom, in one chain for each organization (docs/adr/0017-audit.md). Times are Unix microseconds.

-- The end of each chain, sealed with a key that is not here.
CREATE TABLE audit_heads (
    organization_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    seal BYTEA NOT NULL
);

-- The entries, numbered from 1 on without gaps. Their times never go back.
CREATE TABLE audit_entries (
    organization_id TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    actor_kind TEXT COLLATE "C" NOT NULL,
    actor_id TEXT COLLATE "C",
    actor_name TEXT COLLATE "C" NOT NULL,
    member_id TEXT COLLATE "C",
    member_name TEXT COLLATE "C",
    action TEXT COLLATE "C" NOT NULL,
    resource_type TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C",
    resource_name TEXT COLLATE "C",
    description TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    client_address TEXT COLLATE "C",
    request_id TEXT COLLATE "C",
    before_json TEXT COLLATE "C",
    after_json TEXT COLLATE "C",
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (organization_id, sequence)
);
CREATE INDEX audit_entries_by_time ON audit_entries (organization_id, at, sequence);
CREATE INDEX audit_entries_by_actor ON audit_entries (organization_id, actor_id, sequence);
CREATE INDEX audit_entries_by_member ON audit_entries (organization_id, member_id, sequence);
CREATE INDEX audit_entries_by_action ON audit_entries (organization_id, action, sequence);
CREATE INDEX audit_entries_by_resource ON audit_entries (organization_id, resource_type, resource_id, sequence);
