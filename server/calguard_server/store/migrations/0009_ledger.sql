-- Incidents owe reminders as time goes by; those that are open already are looked at once, and find their next one.
ALTER TABLE incidents ADD COLUMN reminder_time INTEGER;
UPDATE incidents SET reminder_time = open_time WHERE close_time IS NULL;
CREATE INDEX incidents_by_reminder ON incidents (reminder_time) WHERE reminder_time IS NOT NULL;

-- A notice that is retried begins afresh: its tries before, and when. `changed` orders the ledger by the last change.
ALTER TABLE deliveries ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN retry_time INTEGER;
ALTER TABLE deliveries ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET changed = sequence;
CREATE INDEX deliveries_by_change ON deliveries (changed);

-- Every try to send a notice, by its place in the ledger.
CREATE TABLE delivery_attempts (
  delivery INTEGER NOT NULL,
  number INTEGER NOT NULL,
  time INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL,
  address TEXT NOT NULL,
  message_id TEXT NOT NULL,
  PRIMARY KEY (delivery, number)
) WITHOUT ROWID;

CREATE INDEX incidents_by_close_time ON incidents (close_time) WHERE close_time IS NOT NULL;
