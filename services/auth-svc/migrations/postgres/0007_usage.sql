-- How keys are used: counted in the memory of each replica, written once a second, rolled up once a minute.
-- A granularity is the length of a bucket in seconds: 60, 3600 or 86400. Days are those of UTC.

-- The last flush of each replica, so that one whose answer was lost is not counted twice.
CREATE TABLE usage_flushes (
    replica TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    flushed_at BIGINT NOT NULL
);

-- What is not rolled up yet. Each replica has rows of its own, so that none waits for another.
CREATE TABLE usage_recent (
    key_id TEXT COLLATE "C" NOT NULL,
    -- Where the minute starts.
    minute BIGINT NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    -- Those that the operation needs, with ', ' between them.
    permission TEXT COLLATE "C" NOT NULL,
    -- 'ok', or the error code.
    outcome TEXT COLLATE "C" NOT NULL,
    -- Empty for those of a key that has too many.
    address TEXT COLLATE "C" NOT NULL,
    secret_id TEXT COLLATE "C" NOT NULL,
    replica TEXT COLLATE "C" NOT NULL,
    requests BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, minute, operation, permission, outcome, address, secret_id, replica)
);
CREATE INDEX usage_recent_by_minute ON usage_recent (minute);

-- Rolled up: the requests of a key in a minute, an hour, a day.
CREATE TABLE usage_buckets (
    key_id TEXT COLLATE "C" NOT NULL,
    granularity BIGINT NOT NULL,
    start BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    rate_limited BIGINT NOT NULL,
    PRIMARY KEY (key_id, granularity, start)
);
CREATE INDEX usage_buckets_by_age ON usage_buckets (granularity, start);

-- The same, by operation and outcome.
CREATE TABLE usage_operations (
    key_id TEXT COLLATE "C" NOT NULL,
    granularity BIGINT NOT NULL,
    start BIGINT NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    permission TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    requests BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, granularity, start, operation, permission, outcome)
);
CREATE INDEX usage_operations_by_age ON usage_operations (granularity, start);

-- Where the requests of a day came from.
CREATE TABLE usage_addresses (
    key_id TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    requests BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, day, address)
);
CREATE INDEX usage_addresses_by_age ON usage_addresses (day);

-- When each secret was last used.
CREATE TABLE usage_last (
    key_id TEXT COLLATE "C" NOT NULL,
    secret_id TEXT COLLATE "C" NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, secret_id)
);

-- The latest refusals of each key.
CREATE TABLE usage_denials (
    key_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    -- Empty where none was told.
    request_id TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    -- What the key lacked.
    permission TEXT COLLATE "C",
    client_address TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (key_id, at, request_id)
);
CREATE INDEX usage_denials_by_age ON usage_denials (at);
