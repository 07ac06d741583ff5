-- Webhooks and what they send (svc_webhooks). Times are Unix microseconds.
CREATE TABLE webhooks (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    url             TEXT    NOT NULL,
    -- A JSON array.
    events          TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED')),
    disabled_reason TEXT,
    -- Sealed, since they are needed to sign. The older one signs until its end.
    secret          BYTEA   NOT NULL,
    older_secret    BYTEA,
    older_ends_at   BIGINT,
    -- Up to where of the agent's changes messages are made.
    position        BIGINT  NOT NULL,
    -- In a row, with nothing that has arrived in between.
    failures        BIGINT  NOT NULL,
    failing_since   BIGINT,
    -- After failures, it rests until then.
    rests_until     BIGINT  NOT NULL,
    -- When the first message that waits is to be sent, if one waits.
    due_at          BIGINT,
    -- The replica that sends for it, and until when.
    lease           TEXT COLLATE "C",
    leased_until    BIGINT  NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    version         BIGINT  NOT NULL CHECK (version >= 1)
);
CREATE INDEX webhooks_by_agent ON webhooks (organization_id, agent_id, id);
CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhooks_active ON webhooks (rests_until) WHERE status = 'ACTIVE';

CREATE TABLE webhook_deliveries (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL,
    agent_id        TEXT COLLATE "C" NOT NULL,
    webhook_id      TEXT COLLATE "C" NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event           TEXT    NOT NULL,
    -- Makes one message of what is handed in twice.
    event_id        TEXT COLLATE "C" NOT NULL,
    event_at        BIGINT  NOT NULL,
    -- Either the contact, whose data is read when the message is sent, or all that is told.
    contact_id      TEXT COLLATE "C",
    data            TEXT,
    -- The order of what is due at once.
    ordinal         BIGINT  NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'DEAD')),
    attempts        BIGINT  NOT NULL,
    last_status     BIGINT,
    last_failure    TEXT,
    next_attempt_at BIGINT,
    -- When it was made or last replayed, and when it arrived or was given up.
    queued_at       BIGINT  NOT NULL,
    ended_at        BIGINT,
    created_at      BIGINT  NOT NULL,
    UNIQUE (webhook_id, event_id),
    CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'PENDING') = (ended_at IS NULL))
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (organization_id, agent_id, webhook_id, id);
CREATE INDEX webhook_deliveries_by_status
    ON webhook_deliveries (organization_id, agent_id, webhook_id, status, id);
CREATE INDEX webhook_deliveries_due
    ON webhook_deliveries (webhook_id, next_attempt_at, ordinal) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (status, ended_at) WHERE ended_at IS NOT NULL;
