-- Row-level security: whatever a statement says, it sees and changes rows of those organizations and agents only that
-- its transaction is about (svc_db::Scope), which `keyward.scope` tells: an array of `organization/agent`, or `*` for
-- what the service does for all of them. Where nothing is told, there are no rows. It binds the owner of the tables,
-- too; superusers and roles with BYPASSRLS it does not bind.
--
-- The subqueries are asked once for a statement, and CASE keeps the planner from taking the policy for a condition
-- that few rows fulfil.
DO $$
DECLARE
    theirs CONSTANT TEXT := $policy$
        CASE (SELECT current_setting('keyward.scope', true)) WHEN '*' THEN true
        ELSE organization_id || '/' || agent_id
            = ANY ((SELECT nullif(current_setting('keyward.scope', true), '')::text[])::text[]) END
    $policy$;
    one TEXT;
BEGIN
    FOREACH one IN ARRAY ARRAY[
        'contacts', 'contact_field_sets', 'contact_unique_values', 'contact_feeds', 'contact_changes',
        'contact_terms', 'contact_index_backlog', 'contact_imports', 'contact_import_errors', 'files',
        'file_objects', 'webhooks', 'webhook_deliveries'
    ] LOOP
        EXECUTE format('CREATE POLICY scope ON %I USING (%s) WITH CHECK (%s)', one, theirs, theirs);
    END LOOP;

    -- A search looks here for ids and nothing else, by an index that conditions behind a policy may not use. What it
    -- finds it reads from `contacts`.
    CREATE POLICY search ON contact_search FOR SELECT USING (true);
    EXECUTE format('CREATE POLICY insertion ON contact_search FOR INSERT WITH CHECK (%s)', theirs);
    EXECUTE format('CREATE POLICY change ON contact_search FOR UPDATE USING (%s) WITH CHECK (%s)', theirs, theirs);
    EXECUTE format('CREATE POLICY deletion ON contact_search FOR DELETE USING (%s)', theirs);

    -- Answers belong to an organization: some calls are about no agent.
    CREATE POLICY scope ON idempotency_records USING (
        CASE (SELECT current_setting('keyward.scope', true)) WHEN '*' THEN true
        ELSE organization_id || '/'
            = ANY ((SELECT nullif(current_setting('keyward.scope', true), '')::text[])::text[]) END
    );

    FOR one IN SELECT DISTINCT polrelid::regclass FROM pg_policy
        WHERE polrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', one);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', one);
    END LOOP;
END
$$;

-- The order of lists by name, as a column: behind a policy, an index is used by conditions on columns only.
ALTER TABLE contacts ADD COLUMN name_key TEXT COLLATE "C" GENERATED ALWAYS AS (coalesce(lower(name), '')) STORED;
DROP INDEX contacts_by_name;
CREATE INDEX contacts_by_name ON contacts (organization_id, agent_id, status, name_key, id);
