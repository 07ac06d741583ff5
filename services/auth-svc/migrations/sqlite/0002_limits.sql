-- What the limits in memory were a second ago: one row for each key with used slots. 496 bytes hold
-- the time of the newest slot and the counters of both windows, little-endian.
CREATE TABLE limit_windows (
    key_id TEXT NOT NULL PRIMARY KEY,
    -- The time of the newest slot, in milliseconds of the clock below.
    newest BIGINT NOT NULL,
    windows BLOB NOT NULL CHECK (length(windows) = 496)
);

-- One moment on the clock of those windows, on the clock of the machine since it started, and on the
-- wall clock.
CREATE TABLE limit_clock (
    once BIGINT NOT NULL PRIMARY KEY CHECK (once = 1),
    millis BIGINT NOT NULL,
    boot_millis BIGINT NOT NULL,
    boot_id TEXT,
    wall BIGINT NOT NULL
);
