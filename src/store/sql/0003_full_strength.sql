-- Ids of streams and consumers are never given twice, so that notes about a deleted one never mean
-- another.
ALTER TABLE edgepost_meta ADD COLUMN next_id INTEGER NOT NULL DEFAULT 1;

-- What a stream was told. Filters stand one to a line; 0 means no limit; times are microseconds.
ALTER TABLE edgepost_stream ADD COLUMN filters TEXT NOT NULL DEFAULT '';
ALTER TABLE edgepost_stream ADD COLUMN retention INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN discard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN max_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN max_events INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN max_age INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN max_per_key INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

-- What became of dead letters that the stream's books count, since the stream was created. Not in
-- the books themselves, because an operator changes it beside the owner, who holds those.
ALTER TABLE edgepost_stream ADD COLUMN requeued INTEGER NOT NULL DEFAULT 0;  -- waiting right now
ALTER TABLE edgepost_stream ADD COLUMN redelivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE edgepost_stream ADD COLUMN purged INTEGER NOT NULL DEFAULT 0;

CREATE TABLE edgepost_dead (
  id INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL REFERENCES edgepost_stream (id),
  sequence INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  first_error TEXT NOT NULL,
  last_error TEXT NOT NULL,
  is_counted INTEGER NOT NULL,  -- the stream's books have the event as dead
  is_requeued INTEGER NOT NULL DEFAULT 0,
  data BLOB NOT NULL,  -- a segment of this one event
  UNIQUE (stream_id, sequence, consumer)
) STRICT;
CREATE INDEX edgepost_dead_requeued ON edgepost_dead (stream_id, consumer, sequence)
  WHERE is_requeued = 1;

-- Kept by hand, so that nobody ever counts rows.
CREATE TABLE edgepost_dead_group (
  stream_id INTEGER NOT NULL REFERENCES edgepost_stream (id),
  consumer TEXT NOT NULL,
  reason TEXT NOT NULL,
  dead INTEGER NOT NULL,
  requeued INTEGER NOT NULL,
  PRIMARY KEY (stream_id, consumer, reason)
) STRICT, WITHOUT ROWID;

-- Tries of events that are neither settled nor dead yet.
CREATE TABLE edgepost_attempt (
  consumer_id INTEGER NOT NULL REFERENCES edgepost_consumer (id),
  sequence INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  first_error TEXT NOT NULL,
  last_error TEXT NOT NULL,
  PRIMARY KEY (consumer_id, sequence)
) STRICT, WITHOUT ROWID;

-- The newest events of each key, newest last, in streams with max_per_key; 8 bytes each.
CREATE TABLE edgepost_latest (
  stream_id INTEGER NOT NULL REFERENCES edgepost_stream (id),
  key TEXT NOT NULL,
  sequences BLOB NOT NULL,
  PRIMARY KEY (stream_id, key)
) STRICT, WITHOUT ROWID;

-- See Transaction::claim.
CREATE TABLE edgepost_claim (
  scope TEXT NOT NULL,
  number INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (scope, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX edgepost_claim_id ON edgepost_claim (scope, id);

-- Wall time minus life time (see store/life.hpp), in microseconds, each time it became known.
CREATE TABLE edgepost_clock (
  life INTEGER PRIMARY KEY,
  wall_offset INTEGER,  -- NULL: it is not known from here on
  checksum INTEGER NOT NULL
) STRICT;
