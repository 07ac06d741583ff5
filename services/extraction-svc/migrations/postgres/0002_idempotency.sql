-- What calls with an Idempotency-Key were answered, for as long as they may be repeated (svc_db::IdempotencyRecords).
CREATE TABLE idempotency_records (
    organization_id TEXT COLLATE "C" NOT NULL,
    -- The key or the member that calls.
    subject         TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the key, the method and the path, and of the query and the body.
    scope           BYTEA NOT NULL,
    content         BYTEA NOT NULL,
    -- The message of the answer. None where it held a secret or was too large: then the id of what was made.
    answer          BYTEA,
    resource_id     TEXT COLLATE "C",
    -- Unix microseconds.
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, subject, scope)
);
CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);
