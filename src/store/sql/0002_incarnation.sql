-- Counts the openings by an owner: tells lives of one database apart, also after a restored copy.
ALTER TABLE edgepost_meta ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
