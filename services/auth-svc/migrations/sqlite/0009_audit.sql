-- What was done by whom, in one chain for each organization (docs/adr/0017-audit.md). Times are Unix microseconds.

-- The end of each chain, sealed with a key that is not here.
CREATE TABLE audit_heads (
    organization_id TEXT NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seal BLOB NOT NULL
) STRICT;

-- The entries, numbered from 1 on without gaps. Their times never go back.
CREATE TABLE audit_entries (
    organization_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    actor_name TEXT NOT NULL,
    member_id TEXT,
    member_name TEXT,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT,
    resource_name TEXT,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    client_address TEXT,
    request_id TEXT,
    before_json TEXT,
    after_json TEXT,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (organization_id, sequence)
) STRICT;
CREATE INDEX audit_entries_by_time ON audit_entries (organization_id, at, sequence);
CREATE INDEX audit_entries_by_actor ON audit_entries (organization_id, actor_id, sequence);
CREATE INDEX audit_entries_by_member ON audit_entries (organization_id, member_id, sequence);
CREATE INDEX audit_entries_by_action ON audit_entries (organization_id, action, sequence);
CREATE INDEX audit_entries_by_resource ON audit_entries (organization_id, resource_type, resource_id, sequence);
