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

-- What accounts prefer: by which channels they are told, and whether of every failure of a link.
ALTER TABLE accounts ADD COLUMN channels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE accounts ADD COLUMN link_alerts TEXT NOT NULL DEFAULT 'PAGE_RULES';

-- An incident is a page's, or a link's whose failure is told although it stops no page.
ALTER TABLE incidents ADD COLUMN link_id TEXT NOT NULL DEFAULT '';
DROP INDEX incidents_open;
CREATE UNIQUE INDEX incidents_open ON incidents (page_id) WHERE close_time IS NULL AND page_id <> '';
CREATE UNIQUE INDEX incidents_open_of_link ON incidents (link_id) WHERE close_time IS NULL AND link_id <> '';

-- What people are not to be told for a while; empty parts do not narrow.
CREATE TABLE silences (
  id TEXT PRIMARY KEY,
  page_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  link_id TEXT NOT NULL,
  end_time INTEGER NOT NULL,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL
) WITHOUT ROWID;

-- When an incident is looked at again of which something was silenced.
ALTER TABLE incidents ADD COLUMN silenced_time INTEGER;
CREATE INDEX incidents_by_silenced_time ON incidents (silenced_time) WHERE silenced_time IS NOT NULL;
