-- What the limits in memory were a second ago, as a log: a later piece counts before an earlier one.
-- limit_windows held it before. What stands there is moved here at the first start; a later release drops
-- the table. limit_clock stays as it is.
CREATE TABLE limit_log (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The windows of many keys, packed (src/limits/memory/piece.rs). About 1 MiB at the most.
    piece BYTEA NOT NULL
);
-- They are packed already: to compress them would only cost time.
ALTER TABLE limit_log ALTER COLUMN piece SET STORAGE EXTERNAL;
