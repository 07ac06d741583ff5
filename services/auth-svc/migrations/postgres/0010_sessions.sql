-- How members sign in: passwords, sessions, and links that work once. Times are Unix microseconds.

-- INVITED until the member has accepted the invitation. Who was there before can come in.
ALTER TABLE members ADD COLUMN status TEXT NOT NULL DEFAULT 'ACTIVE';
-- argon2id in PHC format. NULL: there is no password.
ALTER TABLE members ADD COLUMN password TEXT;
-- Who signs in names no organization.
CREATE INDEX members_by_email_alone ON members (email_folded) WHERE removed_at IS NULL;

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    member_id TEXT NOT NULL REFERENCES members (id),
    -- SHA-256 of the token in the cookie, which has 256 random bits.
    hash BYTEA NOT NULL UNIQUE,
    -- The role of the member when the token was made: when it is another one, the token is renewed.
    role TEXT NOT NULL,
    client_address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_member ON sessions (member_id, id);

-- Links that work once. That of the setup belongs to nobody yet.
CREATE TABLE links (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    organization_id TEXT REFERENCES organizations (id),
    member_id TEXT REFERENCES members (id),
    -- SHA-256 of the token in the link, which has 256 random bits.
    hash BYTEA NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX links_by_member ON links (member_id, kind);
