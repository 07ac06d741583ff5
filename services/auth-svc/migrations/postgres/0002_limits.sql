-- What the limits in memory were a second ago: one row for each key with used slots. 496 bytes hold
-- the time of the newest slot and the counters of both windows, little-endian.
CREATE TABLE limit_windows (
    key_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The time of the newest slot, in milliseconds of the clock below.
    newest BIGINT NOT NULL,
    windows BYTEA NOT NULL CHECK (length(windows) = 496)
);

-- One moment on the clock of those windows, on the clock of the machine since it started, and on the
-- wall clock.
CREATE TABLE limit_clock (
    once BIGINT NOT NULL PRIMARY KEY CHECK (once = 1),
    millis BIGINT NOT NULL,
    boot_millis BIGINT NOT NULL,
    boot_id TEXT COLLATE "C",
    wall BIGINT NOT NULL
);

-- Limits that all replicas share. Only this engine has them: SQLite belongs to one process. Half of each
-- page stays free, so that an update finds room beside the row and no index changes.
CREATE TABLE shared_limits (
    key_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- The time of the newest slot, in Unix milliseconds.
    newest BIGINT NOT NULL,
    -- The slots taken in each of 61 seconds and 61 minutes, the oldest first, the running one last.
    minute INTEGER[] NOT NULL,
    hour INTEGER[] NOT NULL
) WITH (fillfactor = 50);

-- Counters, so many sub-buckets later.
CREATE FUNCTION limits_advance(counters INTEGER[], steps BIGINT) RETURNS INTEGER[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN steps <= 0 THEN counters
        WHEN steps >= 61 THEN array_fill(0, ARRAY[61])
        ELSE counters[steps::INTEGER + 1:61] || array_fill(0, ARRAY[steps::INTEGER])
    END
$$;

-- Takes a slot in both windows of a key, or in neither, and returns both as they are then. `at` stands
-- for the clock in tests.
CREATE FUNCTION limits_take(key TEXT, per_minute BIGINT, per_hour BIGINT, at BIGINT,
    OUT allowed BOOLEAN, OUT now_millis BIGINT, OUT new_minute INTEGER[], OUT new_hour INTEGER[])
LANGUAGE plpgsql AS $$
DECLARE
    held shared_limits;
BEGIN
    -- The row's lock is not held while the disk writes. A crash of the server may forget 0.6 s.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Who asked waits no longer than this, so the connection must not either.
    PERFORM set_config('lock_timeout', '1s', true);
    LOOP
        SELECT * INTO held FROM shared_limits WHERE key_id = key FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO shared_limits VALUES (key, 0, array_fill(0, ARRAY[61]), array_fill(0, ARRAY[61]))
        ON CONFLICT DO NOTHING;
    END LOOP;
    -- Read once the lock is held, so that it grows from one request to the next.
    now_millis := coalesce(at, floor(extract(epoch FROM clock_timestamp()) * 1000)::BIGINT);
    now_millis := greatest(now_millis, held.newest);
    new_minute := limits_advance(held.minute, now_millis / 1000 - held.newest / 1000);
    new_hour := limits_advance(held.hour, now_millis / 60000 - held.newest / 60000);
    allowed := (SELECT sum(n) FROM unnest(new_minute) AS n) < per_minute
        AND (SELECT sum(n) FROM unnest(new_hour) AS n) < per_hour;
    -- A refused request writes nothing.
    IF allowed THEN
        new_minute[61] := new_minute[61] + 1;
        new_hour[61] := new_hour[61] + 1;
        UPDATE shared_limits SET newest = now_millis, minute = new_minute, hour = new_hour WHERE key_id = key;
    END IF;
END
$$;
