-- An organization's own templates. A version never changes; the latest is the one that jobs get.
CREATE TABLE templates (
    organization_id  TEXT COLLATE "C" NOT NULL,
    name             TEXT COLLATE "C" NOT NULL,
    version          BIGINT NOT NULL,
    title            TEXT    NOT NULL,
    description      TEXT    NOT NULL,
    schema           TEXT    NOT NULL,
    -- What corrections of its jobs teach. A version that only adds shares it with the one before.
    lesson           TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    -- The member who made it.
    created_by       TEXT    NOT NULL,
    PRIMARY KEY (organization_id, name, version)
);

-- Which version of the template a job ran with.
ALTER TABLE jobs ADD COLUMN template_version BIGINT;
-- The file of a contact that its document was taken from.
ALTER TABLE jobs ADD COLUMN contact_file_id TEXT;
-- Since when only the result of a job is kept, and its document no more.
ALTER TABLE jobs ADD COLUMN document_deleted_at BIGINT;
CREATE INDEX jobs_with_documents ON jobs (finished_at) WHERE finished_at IS NOT NULL AND document_deleted_at IS NULL;
