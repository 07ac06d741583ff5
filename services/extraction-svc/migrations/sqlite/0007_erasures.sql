-- Erasures that were taken from other services (svc_core::erasure): what is held here of an agent that is gone, or of files
-- of contacts that are, is deleted.
CREATE TABLE taken_erasures (
    id               TEXT NOT NULL PRIMARY KEY,
    organization_id  TEXT NOT NULL,
    agent_id         TEXT NOT NULL,
    -- A JSON array. None: the agent is gone.
    contact_file_ids TEXT,
    taken_at         INTEGER NOT NULL,
    -- When it is looked next for what is to be deleted.
    look_at          INTEGER NOT NULL
) STRICT;
CREATE INDEX taken_erasures_by_look ON taken_erasures (look_at, id);

CREATE INDEX jobs_by_contact_file ON jobs (organization_id, agent_id, contact_file_id) WHERE contact_file_id IS NOT NULL;
-- Kept answers that hold a job which is deleted.
CREATE INDEX idempotency_records_by_resource ON idempotency_records (organization_id, resource_id)
    WHERE resource_id IS NOT NULL;
