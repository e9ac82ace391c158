-- +goose Up
CREATE TABLE cycles (
    tenant      TEXT    NOT NULL,
    cycle       TEXT    NOT NULL,
    as_of       INTEGER NOT NULL, -- microseconds UTC
    dcs         TEXT    NOT NULL, -- JSON list of the wave, [] for all
    policy_hash TEXT    NOT NULL,
    policy      TEXT    NOT NULL,
    inputs      TEXT    NOT NULL, -- JSON object name -> SHA-256
    replaces    TEXT    NOT NULL,
    engine      TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    compared    INTEGER NOT NULL, -- 1: the state was compared with the manifests before planning
    plan_hash   TEXT    NOT NULL DEFAULT '',
    created     INTEGER NOT NULL,
    closed      INTEGER NOT NULL DEFAULT 0,
    pruned      INTEGER NOT NULL DEFAULT 0, -- 1: its files are gone
    result      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, cycle)
) STRICT;

CREATE TABLE dcs (
    tenant       TEXT    NOT NULL,
    cycle        TEXT    NOT NULL,
    dc           TEXT    NOT NULL,
    as_of        INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    grace_until  INTEGER NOT NULL,
    last_receive INTEGER NOT NULL DEFAULT 0, -- latest receive day of its releases, days since 1970-01-01
    counted      TEXT    NOT NULL,           -- JSON list of cycles whose releases counted
    carry_from   TEXT    NOT NULL,           -- cycle whose carry counted, '' for none
    plan_hash    TEXT    NOT NULL DEFAULT '',
    lines        INTEGER NOT NULL DEFAULT 0,
    why          TEXT    NOT NULL DEFAULT '',
    topics       TEXT    NOT NULL DEFAULT '{}', -- JSON object topic -> lines
    published    INTEGER NOT NULL DEFAULT 0,    -- microseconds UTC
    recovered    INTEGER NOT NULL DEFAULT 0,    -- 1: no plan files here, releases and carry in the tables below
    PRIMARY KEY (tenant, cycle, dc)
) STRICT;
CREATE INDEX dcs_by_dc ON dcs (tenant, dc, as_of);

CREATE TABLE input_counts (
    tenant     TEXT    NOT NULL,
    cycle      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    applied    INTEGER NOT NULL,
    PRIMARY KEY (tenant, cycle, name)
) STRICT;

CREATE TABLE snapshots (
    tenant  TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    cycle   TEXT    NOT NULL, -- the last cycle that used it
    dir     TEXT    NOT NULL,
    created INTEGER NOT NULL,
    report  TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE TABLE recovered_releases (
    tenant TEXT NOT NULL, cycle TEXT NOT NULL, dc TEXT NOT NULL, n INTEGER NOT NULL,
    release_id TEXT NOT NULL, item TEXT NOT NULL, destination TEXT NOT NULL, source TEXT NOT NULL, lane TEXT NOT NULL,
    quantity INTEGER NOT NULL, order_day INTEGER NOT NULL, pick_day INTEGER NOT NULL, receive_day INTEGER NOT NULL,
    as_of INTEGER NOT NULL, grace_until INTEGER NOT NULL,
    PRIMARY KEY (tenant, cycle, dc, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovered_carry (
    tenant TEXT NOT NULL, cycle TEXT NOT NULL, dc TEXT NOT NULL, n INTEGER NOT NULL,
    item TEXT NOT NULL, node TEXT NOT NULL, units INTEGER NOT NULL,
    PRIMARY KEY (tenant, cycle, dc, n)
) STRICT, WITHOUT ROWID;
