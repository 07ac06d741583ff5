-- As whom OpenID Connect providers know members, mails that wait, and which notices were mailed.
-- Times are Unix microseconds.

CREATE TABLE identities (
    -- What the provider says of itself and of who signs in. Email addresses change hands, these do not.
    issuer          TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C" NOT NULL,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    member_id       TEXT COLLATE "C" NOT NULL REFERENCES members (id),
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX identities_by_member ON identities (member_id, issuer);

CREATE TABLE mails (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    -- To whom, subject and text, sealed with a key outside the database: there may be a secret link in it.
    content         BYTEA NOT NULL,
    attempts        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    -- When it is sent next. Who sends it puts this off first.
    due_at          BIGINT NOT NULL,
    -- When it is given up.
    ends_at         BIGINT NOT NULL
);
CREATE INDEX mails_by_due ON mails (due_at, id);

CREATE TABLE notices_mailed (
    organization_id TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    key_id          TEXT COLLATE "C" NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    kind            TEXT COLLATE "C" NOT NULL,
    -- What ends then: another expiry makes another notice.
    ends_at         BIGINT NOT NULL,
    -- So many days before.
    days            BIGINT NOT NULL,
    mailed_at       BIGINT NOT NULL,
    PRIMARY KEY (key_id, kind, ends_at, days)
);
CREATE INDEX notices_mailed_by_end ON notices_mailed (organization_id, ends_at);

CREATE INDEX api_keys_by_expiry ON api_keys (organization_id, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX api_key_secrets_by_end ON api_key_secrets (expires_at) WHERE expires_at IS NOT NULL;
