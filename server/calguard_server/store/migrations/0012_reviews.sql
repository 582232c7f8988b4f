-- Assignments that were made while the account was faulty, from its first recovery on. `due_time` is when its calendars
-- are asked about that time; NULL: they have been.
CREATE TABLE reviews (
  account_id TEXT NOT NULL,
  appointment_id TEXT NOT NULL,
  assign_time INTEGER NOT NULL,
  due_time INTEGER,
  PRIMARY KEY (account_id, appointment_id, assign_time)
) WITHOUT ROWID;

CREATE INDEX reviews_due ON reviews (due_time) WHERE due_time IS NOT NULL;
