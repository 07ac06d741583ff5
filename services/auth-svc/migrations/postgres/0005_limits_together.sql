-- Slots for many requests at once. limits_take stays: it is what one request alone asks, and what replicas of
-- the previous release ask. Both decide about the same rows.

-- Takes slots in both windows of each key, for as many of `wanted` requests as there is room for. The keys come
-- in the order of their bytes, which is the same for all replicas, so that no two wait for each other; one may
-- come several times, with other limits. Gives for each how many are let through, and both windows as they
-- were before the first of these. `ats` stand for the clock in tests.
CREATE FUNCTION limits_take_many(
    keys TEXT[], per_minutes BIGINT[], per_hours BIGINT[], wanted INTEGER[], ats BIGINT[])
RETURNS TABLE (granted INTEGER, now_millis BIGINT, minute_before INTEGER[], hour_before INTEGER[])
LANGUAGE plpgsql AS $$
DECLARE
    held shared_limits;
    minute_after INTEGER[];
    hour_after INTEGER[];
BEGIN
    -- As in limits_take.
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM set_config('lock_timeout', '1s', true);
    FOR i IN 1..cardinality(keys) LOOP
        LOOP
            SELECT * INTO held FROM shared_limits WHERE key_id = keys[i] FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO shared_limits VALUES (keys[i], 0, array_fill(0, ARRAY[61]), array_fill(0, ARRAY[61]))
            ON CONFLICT DO NOTHING;
        END LOOP;
        -- Read once the lock is held, so that it grows from one statement to the next.
        now_millis := coalesce(ats[i], floor(extract(epoch FROM clock_timestamp()) * 1000)::BIGINT);
        now_millis := greatest(now_millis, held.newest);
        minute_before := limits_advance(held.minute, now_millis / 1000 - held.newest / 1000);
        hour_before := limits_advance(held.hour, now_millis / 60000 - held.newest / 60000);
        granted := greatest(0, least(wanted[i],
            per_minutes[i] - (SELECT sum(n) FROM unnest(minute_before) AS n),
            per_hours[i] - (SELECT sum(n) FROM unnest(hour_before) AS n)));
        RETURN NEXT;
        -- Where none is let through nothing is written.
        IF granted > 0 THEN
            minute_after := minute_before;
            hour_after := hour_before;
            minute_after[61] := minute_after[61] + granted;
            hour_after[61] := hour_after[61] + granted;
            UPDATE shared_limits SET newest = now_millis, minute = minute_after, hour = hour_after
            WHERE key_id = keys[i];
        END IF;
    END LOOP;
END
$$;
