-- What the server's status counts, on indexes alone.

-- name: status_counts
-- Links and pages: all of them, then those in each state but LINKED; notices given up and still to be sent; and when
-- the oldest of the latter was owed. One statement, so that all of it stands at one revision. SQLite by itself would
-- look for the oldest through the whole ledger.
SELECT 'links', '', COUNT(*) FROM links
UNION ALL SELECT 'links', state, COUNT(*) FROM links WHERE state <> 'LINKED' GROUP BY state
UNION ALL SELECT 'pages', '', COUNT(*) FROM pages
UNION ALL SELECT 'pages', phase, COUNT(*) FROM pages WHERE phase <> 'LINKED' GROUP BY phase
UNION ALL SELECT 'dead', '', COUNT(*) FROM deliveries WHERE state = 'DEAD'
UNION ALL SELECT 'unsent', '', COUNT(*) FROM deliveries WHERE next_attempt_time IS NOT NULL
UNION ALL SELECT 'oldest unsent', '', create_time FROM deliveries
  WHERE sequence = (SELECT MIN(sequence) FROM deliveries INDEXED BY deliveries_due WHERE next_attempt_time IS NOT NULL);

-- name: work_counts
-- What waits: when the next check of either kind and the next entry are due, entries that are not done so far, and open
-- incidents.
SELECT 'check', '', MIN(next_check_time) FROM links WHERE next_check_time IS NOT NULL AND failing_since IS NULL
UNION ALL SELECT 'failing check', '', MIN(next_check_time) FROM links
  WHERE next_check_time IS NOT NULL AND failing_since IS NOT NULL
UNION ALL SELECT 'entry', '', MIN(next_attempt_time) FROM entries WHERE next_attempt_time IS NOT NULL
UNION ALL SELECT 'undone', state, COUNT(*) FROM entries INDEXED BY entries_undone
  WHERE state IN ('NOT_ADDED', 'REMOVING') GROUP BY state
UNION ALL SELECT 'incidents', '', COUNT(*) FROM incidents WHERE close_time IS NULL AND page_id <> ''
UNION ALL SELECT 'incidents of links', '', COUNT(*) FROM incidents WHERE close_time IS NULL AND link_id <> '';
