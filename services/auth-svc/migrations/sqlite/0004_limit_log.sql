-- What the limits in memory were a second ago, as a log: a later piece counts before an earlier one.
-- limit_windows held it before. What stands there is moved here at the first start; a later release drops
-- the table. limit_clock stays as it is.
CREATE TABLE limit_log (
    -- Never used twice, also when the log was empty in between.
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    -- The windows of many keys, packed (src/limits/memory/piece.rs). About 1 MiB at the most.
    piece BLOB NOT NULL
);
