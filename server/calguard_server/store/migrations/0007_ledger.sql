-- Incidents owe reminders as time goes by; those that are open already are looked at once, and find their next one.
ALTER TABLE incidents ADD COLUMN reminder_time INTEGER;
UPDATE incidents SET reminder_time = open_time WHERE close_time IS NULL;
CREATE INDEX incidents_by_reminder ON incidents (reminder_time) WHERE reminder_time IS NOT NULL;
