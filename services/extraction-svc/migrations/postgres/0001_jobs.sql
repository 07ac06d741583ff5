-- Times are Unix microseconds. What is JSON is TEXT. Ids compare byte by byte.
CREATE TABLE jobs (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id  TEXT COLLATE "C" NOT NULL,
    agent_id         TEXT COLLATE "C" NOT NULL,
    status           TEXT    NOT NULL CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED')),
    template         TEXT,
    schema           TEXT    NOT NULL,
    -- What its corrections teach: the jobs of an organization with the same lesson share what was learned.
    lesson           TEXT COLLATE "C" NOT NULL,
    options          TEXT    NOT NULL,
    file_name        TEXT,
    content_type     TEXT,
    size_bytes       BIGINT NOT NULL,
    page_count       BIGINT,
    pages_read       BIGINT,
    result           TEXT,
    -- What a person says: a JSON array, none before somebody has said something.
    corrections      TEXT,
    corrected_at     BIGINT,
    error_code       TEXT,
    usage            TEXT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    started_at       BIGINT,
    finished_at      BIGINT,
    -- How often a worker has begun, which one has it, and until when no other may take it.
    attempts         BIGINT NOT NULL,
    worker           TEXT,
    leased_until     BIGINT
);

CREATE INDEX jobs_by_creation ON jobs (organization_id, agent_id, created_at DESC, id DESC);
CREATE INDEX jobs_waiting ON jobs (organization_id, created_at, id) WHERE status = 'QUEUED';
CREATE INDEX jobs_running ON jobs (leased_until) WHERE status = 'RUNNING';
CREATE INDEX jobs_corrected ON jobs (organization_id, lesson, corrected_at DESC) WHERE corrected_at IS NOT NULL;
CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- The document of a job as it came, in parts of at most 1 MiB.
CREATE TABLE documents (
    job_id           TEXT COLLATE "C" NOT NULL,
    organization_id  TEXT COLLATE "C" NOT NULL,
    agent_id         TEXT COLLATE "C" NOT NULL,
    part             BIGINT NOT NULL,
    content          BYTEA NOT NULL,
    PRIMARY KEY (job_id, part)
);

-- What was read out of a document: words and where they stand, as JSON. Learning looks at it again.
CREATE TABLE readings (
    job_id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    organization_id  TEXT COLLATE "C" NOT NULL,
    agent_id         TEXT COLLATE "C" NOT NULL,
    content          BYTEA NOT NULL
);

-- The organizations that have jobs waiting, and since when: they take turns.
CREATE TABLE turns (
    organization_id  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since            BIGINT NOT NULL
);
CREATE INDEX turns_by_time ON turns (since);

-- What corrections have taught.
CREATE TABLE lessons (
    organization_id  TEXT COLLATE "C" NOT NULL,
    lesson           TEXT COLLATE "C" NOT NULL,
    schema           TEXT    NOT NULL,
    -- Goes up with each change of a correction; the last that was learned from.
    version          BIGINT NOT NULL,
    learned_version  BIGINT NOT NULL,
    corrections      BIGINT NOT NULL,
    -- None: nothing is in use.
    model            BYTEA,
    accuracy         TEXT,
    learned_at       BIGINT,
    worker           TEXT,
    leased_until     BIGINT,
    PRIMARY KEY (organization_id, lesson)
);
CREATE INDEX lessons_to_learn ON lessons (version) WHERE learned_version < version;
