-- What email addresses are compared by (domain/comparison.rs). Every write sets it; until then, the rows that are
-- there have what SQL makes of theirs, which is the same for ASCII.
ALTER TABLE contacts ADD COLUMN email_key TEXT COLLATE "C";
UPDATE contacts SET email_key = lower(email) WHERE email IS NOT NULL;

-- Possible duplicates, and lists of who has an address or a number.
CREATE INDEX contacts_by_email ON contacts (organization_id, agent_id, email_key, created_at DESC, id DESC)
    WHERE email_key IS NOT NULL;
CREATE INDEX contacts_by_mobile_number
    ON contacts (organization_id, agent_id, mobile_number, created_at DESC, id DESC)
    WHERE mobile_number IS NOT NULL;
-- Archived contacts whose time has come.
CREATE INDEX contacts_by_archival ON contacts (archived_at) WHERE archived_at IS NOT NULL;
-- Kept answers that hold a contact which is deleted.
CREATE INDEX idempotency_records_by_resource ON idempotency_records (organization_id, resource_id)
    WHERE resource_id IS NOT NULL;
