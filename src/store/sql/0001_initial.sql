-- Everything of the library is named edgepost_*, because users keep tables of their own here.
CREATE TABLE edgepost_meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid BLOB NOT NULL CHECK (length(uuid) = 16)
) STRICT;

CREATE TABLE edgepost_stream (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE edgepost_consumer (
  id INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL REFERENCES edgepost_stream (id),
  name TEXT NOT NULL,
  UNIQUE (stream_id, name)
) STRICT;
