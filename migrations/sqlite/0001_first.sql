-- Instants are microseconds since 1970-01-01 UTC; ids are hyphenated UUIDs; booleans are 0 and 1.

-- Waits: one row a job that is to run (ready, scheduled, retrying, blocked or parked).
CREATE TABLE {prefix}job_requests (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL CHECK (length(id) = 36),
    state         TEXT    NOT NULL CHECK (state IN ('ready', 'scheduled', 'retrying', 'blocked', 'parked')),
    job           TEXT    NOT NULL CHECK (job <> ''),
    queue         TEXT    NOT NULL CHECK (queue <> ''),
    priority      INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -32768 AND 32767),
    due_at        INTEGER NOT NULL CHECK (abs(due_at) < 8200000000000000000),
    enqueued_at   INTEGER NOT NULL CHECK (abs(enqueued_at) < 8200000000000000000),
    expires_at    INTEGER,
    arguments     TEXT    NOT NULL,
    shape         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    losses        INTEGER NOT NULL DEFAULT 0 CHECK (losses >= 0),
    hand_backs    INTEGER NOT NULL DEFAULT 0 CHECK (hand_backs >= 0),
    retries       INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
    timeout_ms    INTEGER CHECK (timeout_ms > 0),
    on_lost       TEXT    NOT NULL DEFAULT 'retry' CHECK (on_lost IN ('retry', 'fail')),
    unique_key    TEXT,
    unique_until  TEXT    CHECK (unique_until IN ('start', 'end')),
    metadata      TEXT,
    source        TEXT,
    trace_context TEXT,
    slot          INTEGER,
    note          TEXT,
    CHECK ((unique_key IS NULL) = (unique_until IS NULL))
) STRICT;
CREATE UNIQUE INDEX {prefix}job_requests_id ON {prefix}job_requests (id);
-- What a look-up by unique key asks; rows without one are not in it.
CREATE INDEX {prefix}job_requests_key ON {prefix}job_requests (unique_key, job) WHERE unique_key IS NOT NULL;
-- What a claim walks: only ready rows, those of each queue and job in the order in which they run, so that what is
-- paused or unknown is stepped over and not walked through.
CREATE INDEX {prefix}job_requests_ready ON {prefix}job_requests (queue, job, priority DESC, due_at, seq)
    WHERE state = 'ready';
-- What a promotion walks.
CREATE INDEX {prefix}job_requests_due ON {prefix}job_requests (due_at) WHERE state IN ('scheduled', 'retrying');
CREATE INDEX {prefix}job_requests_expiring ON {prefix}job_requests (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX {prefix}job_requests_parked ON {prefix}job_requests (job, seq) WHERE state = 'parked';

-- Held by a worker: one row a running attempt. The run token fences every write about it. There are as many rows as this
-- machine runs jobs at once: looking through them costs less than keeping indexes that each job would enter and leave.
CREATE TABLE {prefix}job_processes (
    run_token     INTEGER PRIMARY KEY AUTOINCREMENT,
    worker_id     TEXT    NOT NULL,
    build         TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    cancel_at     INTEGER,
    cancel_reason TEXT,
    seq           INTEGER NOT NULL,
    id            TEXT    NOT NULL,
    job           TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    priority      INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    expires_at    INTEGER,
    arguments     TEXT    NOT NULL,
    shape         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL CHECK (attempt >= 1),
    failures      INTEGER NOT NULL,
    losses        INTEGER NOT NULL,
    hand_backs    INTEGER NOT NULL,
    retries       INTEGER NOT NULL,
    timeout_ms    INTEGER,
    on_lost       TEXT    NOT NULL,
    unique_key    TEXT,
    unique_until  TEXT,
    metadata      TEXT,
    source        TEXT,
    trace_context TEXT,
    slot          INTEGER,
    -- From 0 to 1, as the job said last.
    progress      REAL,
    progress_note TEXT
) STRICT;

-- Ended attempts, one row each; `final` marks the one that ended the job. No run token: it ended without running.
CREATE TABLE {prefix}job_results (
    run_token     INTEGER,
    id            TEXT    NOT NULL,
    status        TEXT    NOT NULL CHECK (status IN ('successful', 'errored', 'cancelled', 'lost', 'snoozed', 'handed_back')),
    error_kind    TEXT    CHECK (error_kind IN ('error', 'panic', 'timeout', 'corrupt')),
    error         TEXT,
    output        TEXT,
    final         INTEGER NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('succeeded', 'dead', 'cancelled', 'expired', 'retrying', 'scheduled', 'ready')),
    worker_id     TEXT,
    build         TEXT,
    started_at    INTEGER,
    ended_at      INTEGER NOT NULL,
    seq           INTEGER NOT NULL,
    job           TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    priority      INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    expires_at    INTEGER,
    arguments     TEXT    NOT NULL,
    shape         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL,
    failures      INTEGER NOT NULL,
    losses        INTEGER NOT NULL,
    hand_backs    INTEGER NOT NULL,
    retries       INTEGER NOT NULL,
    timeout_ms    INTEGER,
    on_lost       TEXT    NOT NULL,
    unique_key    TEXT,
    unique_until  TEXT,
    metadata      TEXT,
    source        TEXT,
    trace_context TEXT,
    slot          INTEGER,
    CHECK (NOT final OR state IN ('succeeded', 'dead', 'cancelled', 'expired')),
    CHECK ((status = 'errored') = (error_kind IS NOT NULL))
) STRICT;
CREATE INDEX {prefix}job_results_id ON {prefix}job_results (id);
-- What a look-up by unique key asks; rows without one are not in it.
CREATE INDEX {prefix}job_results_key ON {prefix}job_results (unique_key, job) WHERE unique_key IS NOT NULL;
-- What a prune walks: each state apart, since each is kept for a time of its own.
CREATE INDEX {prefix}job_results_ended ON {prefix}job_results (state, ended_at);
-- What a list of dead jobs walks; good ends cost it nothing.
CREATE INDEX {prefix}job_results_unhappy ON {prefix}job_results (state, id) WHERE final AND state <> 'succeeded';
-- What the last runs of a schedule are read from; other jobs are not in it.
CREATE INDEX {prefix}job_results_schedule ON {prefix}job_results (source, ended_at)
    WHERE final AND source >= 'schedule ' AND source < 'schedule!';

-- What runs logged, a row each, as far as it is kept; pruned with their jobs. `told` counts all lines, `lines` is a JSON list
-- of the last ones.
CREATE TABLE {prefix}job_logs (
    run_token  INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,
    attempt    INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    told       INTEGER NOT NULL,
    lines      TEXT    NOT NULL
) STRICT;
CREATE INDEX {prefix}job_logs_id ON {prefix}job_logs (id);
CREATE INDEX {prefix}job_logs_written ON {prefix}job_logs (written_at);

-- Who holds a unique key. It belongs to (job, key) until the job ends for good, or starts.
CREATE TABLE {prefix}unique_keys (
    job TEXT    NOT NULL,
    key TEXT    NOT NULL,
    id  TEXT    NOT NULL,
    PRIMARY KEY (job, key)
) STRICT;

-- One row a running worker process; `knows` lists its jobs and their shapes, `schedules` those of its code.
CREATE TABLE {prefix}workers (
    id           TEXT    PRIMARY KEY,
    host         TEXT    NOT NULL,
    pid          INTEGER NOT NULL,
    version      TEXT    NOT NULL,
    build        TEXT    NOT NULL,
    queues       TEXT    NOT NULL,
    knows        TEXT    NOT NULL,
    schedules    TEXT    NOT NULL DEFAULT '{}',
    concurrency  INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    lease_ms     INTEGER NOT NULL CHECK (lease_ms > 0),
    -- How it shows that it lives besides its heartbeat: by the lock of a session or of a file, or not at all.
    hold         TEXT    NOT NULL CHECK (hold IN ('session', 'file', 'none')),
    stopping_at  INTEGER
) STRICT;

-- Settings of a queue that people change at run time.
CREATE TABLE {prefix}queues (
    name   TEXT PRIMARY KEY,
    limits TEXT
) STRICT;

-- What people have stopped for a while; a worker is named by its id, everything by nothing.
CREATE TABLE {prefix}pauses (
    kind      TEXT    NOT NULL CHECK (kind IN ('everything', 'queue', 'job', 'worker')),
    name      TEXT    NOT NULL CHECK ((name = '') = (kind = 'everything')),
    paused_at INTEGER NOT NULL,
    paused_by TEXT    NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

-- One row a schedule: what it is, and up to which instant its slots are settled (run, or passed over).
CREATE TABLE {prefix}schedules (
    name        TEXT    PRIMARY KEY CHECK (name <> ''),
    job         TEXT    NOT NULL CHECK (job <> ''),
    queue       TEXT,
    expression  TEXT    NOT NULL,
    timezone    TEXT    NOT NULL,
    arguments   TEXT    NOT NULL,
    catch_up    TEXT    NOT NULL CHECK (catch_up IN ('latest', 'none', 'all')),
    overlap     TEXT    NOT NULL CHECK (overlap IN ('skip', 'queue', 'allow')),
    window_ms   INTEGER CHECK (window_ms > 0),
    fingerprint TEXT    NOT NULL,
    generation  INTEGER NOT NULL DEFAULT 1,
    dynamic     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL,
    settled_at  INTEGER NOT NULL,
    waiting     TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(waiting)),
    last_slot   INTEGER,
    last_job_id TEXT,
    skipped     INTEGER NOT NULL DEFAULT 0,
    last_skip   INTEGER,
    skip_reason TEXT,
    run_now_id  TEXT,
    paused_at   INTEGER,
    paused_by   TEXT
) STRICT;

-- Commands to workers (stop claiming, stop), read by the worker they name.
CREATE TABLE {prefix}worker_commands (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    worker_id  TEXT    NOT NULL,
    command    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Sums of what ended, made by the workers from the results: a row a minute (an hour, when older), queue, job, kind of
-- end and bucket of time; kind `wait` sums up the time before the start. `at` is in seconds.
CREATE TABLE {prefix}job_rates (
    at       INTEGER NOT NULL,
    queue    TEXT    NOT NULL,
    job      TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    bucket   INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    total_us INTEGER NOT NULL,
    PRIMARY KEY (at, queue, job, kind, bucket)
) WITHOUT ROWID, STRICT;
-- Up to when the ends are summed up.
CREATE TABLE {prefix}job_rates_until (
    only_row INTEGER PRIMARY KEY DEFAULT true CHECK (only_row),
    until    INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER))
) STRICT;
INSERT INTO {prefix}job_rates_until DEFAULT VALUES;

-- Who changed what, when.
CREATE TABLE {prefix}audit (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    action TEXT    NOT NULL,
    target TEXT,
    count  INTEGER NOT NULL DEFAULT 1,
    detail TEXT
) STRICT;
CREATE INDEX {prefix}audit_at ON {prefix}audit (at);

-- How far the clock of a store opened by tests runs ahead; a production store never reads it.
CREATE TABLE {prefix}clock (
    only_row INTEGER PRIMARY KEY DEFAULT true CHECK (only_row),
    ahead    INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO {prefix}clock DEFAULT VALUES;

-- One row a job with its state: the documented, stable face of the tables above.
CREATE VIEW {prefix}jobs AS
SELECT id, job, queue, state, priority, arguments, attempt, failures, losses, hand_backs, retries, unique_key, metadata,
       source, slot, enqueued_at, due_at, NULL AS started_at, NULL AS ended_at,
       NULL AS worker_id, note AS error, NULL AS output, NULL AS progress,
       NULL AS progress_note
  FROM {prefix}job_requests
UNION ALL
SELECT id, job, queue, 'running', priority, arguments, attempt, failures, losses, hand_backs, retries, unique_key, metadata,
       source, slot, enqueued_at, due_at, started_at, NULL, worker_id, NULL, NULL, progress, progress_note
  FROM {prefix}job_processes
UNION ALL
SELECT id, job, queue, state, priority, arguments, attempt, failures, losses, hand_backs, retries, unique_key, metadata,
       source, slot, enqueued_at, due_at, started_at, ended_at, worker_id, error, output, NULL, NULL
  FROM {prefix}job_results WHERE final;
