-- Small facts of the library's own that must survive, by name: how much of a budget is used, how
-- far an upstream's stream was read.
CREATE TABLE edgepost_note (
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
