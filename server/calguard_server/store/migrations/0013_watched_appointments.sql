-- Appointments are watched. What was assigned before has not changed since the latest revision of the log by now: every
-- later change of it has a greater one. `page_id` of a change is set where it is an appointment's.
ALTER TABLE appointments ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
UPDATE appointments SET revision = (
  SELECT MAX((SELECT COALESCE(MAX(revision), 0) FROM events),
             (SELECT COALESCE(MAX(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'pruned_revision')));
ALTER TABLE events ADD COLUMN page_id TEXT NOT NULL DEFAULT '';
