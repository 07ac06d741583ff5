-- What tells every replica which keys changed, and every change which replicas know (docs/revocation.md).
-- No times are stored, so that no two clocks are ever compared.

-- One row. Updated last in every transaction that changes keys: its lock makes the order of commits the
-- order of n. The tag is random, so that a database that went back is told from one that did not.
CREATE TABLE revision (
    n BIGINT NOT NULL,
    tag TEXT NOT NULL
);
CREATE UNIQUE INDEX revision_is_one_row ON revision ((TRUE));

CREATE TABLE change (
    n BIGINT NOT NULL PRIMARY KEY,
    tag TEXT NOT NULL,
    -- JSON array of the apiKeys that changed. NULL: any may have.
    what TEXT
);

-- One row for each start of a replica, which is never used again after it is gone.
CREATE TABLE replica (
    incarnation TEXT NOT NULL PRIMARY KEY,
    -- Counts its polls.
    beat BIGINT NOT NULL,
    -- The n that it has applied; -1: none.
    seen BIGINT NOT NULL
-- Updated four times a second: room for the new version of a row beside the old one.
) WITH (fillfactor = 50);

INSERT INTO revision (n, tag) VALUES (0, gen_random_uuid()::TEXT);
INSERT INTO change (n, tag, what) SELECT n, tag, NULL FROM revision;
