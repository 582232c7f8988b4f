-- The provider's status with its incidents, those open and those lately ended, as JSON. One row, once there was one.
CREATE TABLE provider_status (
  id TEXT PRIMARY KEY,
  incidents TEXT NOT NULL,
  revision INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) WITHOUT ROWID;
