-- The order of lists by name, as a column: where a page begins is looked up by an index of columns only, an index of an
-- expression is gone through from its beginning. With what values are looked up by, so that contacts which have not a
-- value are not read.
ALTER TABLE contacts ADD COLUMN name_key TEXT GENERATED ALWAYS AS (coalesce(lower(name), '')) VIRTUAL;
DROP INDEX contacts_by_name;
CREATE INDEX contacts_by_name ON contacts (organization_id, agent_id, status, name_key, id, created_at);
