-- What calls with an Idempotency-Key were answered, for as long as they may be repeated (svc_db::IdempotencyRecords).
CREATE TABLE idempotency_records (
    organization_id TEXT NOT NULL,
    -- The key or the member that calls.
    subject         TEXT NOT NULL,
    -- SHA-256 of the key, the method and the path, and of the query and the body.
    scope           BLOB NOT NULL,
    content         BLOB NOT NULL,
    -- The message of the answer. None where it held a secret or was too large: then the id of what was made.
    answer          BLOB,
    resource_id     TEXT,
    -- Unix microseconds.
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (organization_id, subject, scope)
) STRICT;
CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);
