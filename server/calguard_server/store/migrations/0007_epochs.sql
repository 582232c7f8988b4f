-- The runs of servers on this database, and at which revision each began. A token names the run that made it: one that
-- this database does not know, or that went on elsewhere after a copy was made, tells of another history.
CREATE TABLE epochs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  revision INTEGER NOT NULL
);
