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
