-- Due checks are read apart for links that fail just now and for all others.
DROP INDEX links_due;
CREATE INDEX links_due ON links (next_check_time) WHERE next_check_time IS NOT NULL AND failing_since IS NULL;
CREATE INDEX links_due_failing ON links (next_check_time)
  WHERE next_check_time IS NOT NULL AND failing_since IS NOT NULL;
