-- Format 1 of the metadata file. This text never changes once released: a change is a new format with a
-- migration step of its own.
--
-- Ids and digests are BLOBs, times are microseconds since 1970 UTC, unsigned 64-bit numbers are kept by
-- their bits. A REAL column is for search only: NaN is NULL there; the exact value is in the bits beside it.
CREATE TABLE experiments (
    id TEXT PRIMARY KEY,
    hypothesis TEXT NOT NULL,
    owner TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    experiment TEXT NOT NULL,
    parent BLOB,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    provenance TEXT
) STRICT;
CREATE INDEX runs_started ON runs (started DESC, id);
CREATE INDEX runs_experiment ON runs (experiment, started DESC, id);
CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL;

-- kind: 0 bool (bits 0 or 1), 1 int (bits), 2 float (bits of the f64), 3 text.
-- num: the number as f64; for a bool 0 or 1.
CREATE TABLE params (
    run INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind INTEGER NOT NULL,
    bits INTEGER,
    num REAL,
    text TEXT,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX params_num ON params (key, num, run) WHERE num IS NOT NULL;
CREATE INDEX params_text ON params (key, text, run) WHERE text IS NOT NULL;

CREATE TABLE tags (
    run INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_value ON tags (key, value, run);

CREATE TABLE artifacts (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- The summary of each metric of each run.
CREATE TABLE metrics (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    last REAL,
    min REAL,
    max REAL,
    last_bits INTEGER NOT NULL,
    min_bits INTEGER NOT NULL,
    max_bits INTEGER NOT NULL,
    last_step INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX metrics_last ON metrics (name, last, run);
CREATE INDEX metrics_min ON metrics (name, min, run);
CREATE INDEX metrics_max ON metrics (name, max, run);

-- The points of the metrics; `first` counts the points of the metric before the chunk.
CREATE TABLE chunks (
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    metric TEXT NOT NULL,
    first INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (run, metric, first)
) STRICT;

CREATE TABLE versions (
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    run BLOB NOT NULL,
    experiment TEXT NOT NULL,
    digest BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    features TEXT NOT NULL,
    gaps TEXT NOT NULL,
    created INTEGER NOT NULL,
    stage TEXT NOT NULL,
    PRIMARY KEY (model, version)
) STRICT;
CREATE INDEX versions_stage ON versions (model, stage, version);
CREATE INDEX versions_source ON versions (model, run, digest);

CREATE TABLE aliases (
    model TEXT NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE promotions (
    model TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    stage_from TEXT NOT NULL,
    stage_to TEXT NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT,
    provenance_override TEXT,
    PRIMARY KEY (model, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    experiment TEXT,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (kind, name, version)
) STRICT;
