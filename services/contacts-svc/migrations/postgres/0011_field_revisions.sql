-- The revision of the agent's fields, beside what every change of a contact locks before its commit: a contact that
-- was judged by other fields than those of that moment is not committed.
ALTER TABLE contact_feeds ADD COLUMN fields_revision BIGINT NOT NULL DEFAULT 0;
