-- What the workers ask: due checks, due deliveries, the log, and what is past keeping.

-- name: due_links
-- Links that do not fail and whose check is due, with their encrypted grants, the longest due first, but for those named;
-- as one JSON list of rows; store/checks.py tells why.
SELECT json_group_array(json_array({links}, sealed, scopes, subject)) FROM (
  SELECT {links}, (SELECT hex(refresh_token) FROM grants WHERE link_id = links.id) AS sealed,
         (SELECT granted_scopes FROM grants WHERE link_id = links.id) AS scopes,
         (SELECT subject FROM grants WHERE link_id = links.id) AS subject
  FROM links
  WHERE next_check_time IS NOT NULL AND failing_since IS NULL
    AND next_check_time <= ?1 AND id NOT IN (SELECT value FROM json_each(?3))
  ORDER BY next_check_time LIMIT ?2);

-- name: due_failing_links
-- Links that fail just now and whose check is due, likewise.
SELECT json_group_array(json_array({links}, sealed, scopes, subject)) FROM (
  SELECT {links}, (SELECT hex(refresh_token) FROM grants WHERE link_id = links.id) AS sealed,
         (SELECT granted_scopes FROM grants WHERE link_id = links.id) AS scopes,
         (SELECT subject FROM grants WHERE link_id = links.id) AS subject
  FROM links
  WHERE next_check_time IS NOT NULL AND failing_since IS NOT NULL
    AND next_check_time <= ?1 AND id NOT IN (SELECT value FROM json_each(?3))
  ORDER BY next_check_time LIMIT ?2);

-- name: count_scheduled
-- How many links that do not fail are to be checked.
SELECT COUNT(*) FROM links WHERE next_check_time IS NOT NULL AND failing_since IS NULL;

-- name: count_scheduled_failing
-- How many links that fail just now are to be checked.
SELECT COUNT(*) FROM links WHERE next_check_time IS NOT NULL AND failing_since IS NOT NULL;

-- name: record_checks
-- Save the times of checks, a JSON list of rows, unless a link rests on other evidence by now, or was checked again since.
UPDATE links
SET last_check_time = json_extract(value, '$[2]'), next_check_time = json_extract(value, '$[3]'),
    consecutive_failures = json_extract(value, '$[4]'), failing_since = json_extract(value, '$[5]'),
    quota_exhausted_since = json_extract(value, '$[6]')
FROM json_each(?1)
WHERE links.id = json_extract(value, '$[0]') AND evidence = json_extract(value, '$[1]')
  AND (last_check_time IS NULL OR last_check_time <= json_extract(value, '$[2]'));

-- name: due_groups
-- Recipients, channels and kinds for which a delivery by a channel is due that no earlier one of its incident holds
-- back: one of another kind, an alert, or one that cannot go out with it now.
SELECT DISTINCT recipient_account_id, channel, kind FROM (
  SELECT recipient_account_id, channel, kind FROM deliveries AS later
  WHERE next_attempt_time <= ?1 AND channel = ?3
    AND NOT EXISTS (
      SELECT 1 FROM deliveries AS earlier
      WHERE earlier.incident_id = later.incident_id
        AND earlier.recipient_account_id = later.recipient_account_id
        AND earlier.channel = later.channel
        AND earlier.sequence < later.sequence
        AND earlier.next_attempt_time IS NOT NULL
        AND (earlier.kind <> later.kind OR earlier.kind = 'OPERATOR_ALERT'
             OR (earlier.state <> 'PENDING' AND earlier.next_attempt_time > ?1)))
  ORDER BY next_attempt_time LIMIT ?2);

-- name: deliveries_of_group
-- What can go out now for a recipient, channel and kind: all that is due, and all that still waits for company.
SELECT sequence, {deliveries}, (SELECT close_time FROM incidents WHERE incidents.id = incident_id) IS NOT NULL
FROM deliveries AS later
WHERE recipient_account_id = ?2 AND channel = ?3 AND kind = ?4 AND next_attempt_time IS NOT NULL
  AND (next_attempt_time <= ?1 OR state = 'PENDING')
  AND NOT EXISTS (
    SELECT 1 FROM deliveries AS earlier
    WHERE earlier.incident_id = later.incident_id
      AND earlier.recipient_account_id = later.recipient_account_id
      AND earlier.channel = later.channel
      AND earlier.sequence < later.sequence
      AND earlier.next_attempt_time IS NOT NULL
      AND (earlier.kind <> later.kind OR earlier.kind = 'OPERATOR_ALERT'
           OR (earlier.state <> 'PENDING' AND earlier.next_attempt_time > ?1)))
ORDER BY sequence;

-- name: due_follow_ups
-- Whose open incidents may owe something as time goes by.
SELECT page_id, link_id FROM incidents WHERE reminder_time <= ?1
UNION SELECT page_id, link_id FROM incidents WHERE silenced_time <= ?1 LIMIT ?2;

-- name: silences_in_force
-- Silences that are not over.
SELECT {silences} FROM silences WHERE end_time > ?1;

-- name: look_at_incident
-- Have the incident of a delivery looked at again at a time, unless the delivery was claimed anew.
UPDATE incidents SET silenced_time = ?3
WHERE close_time IS NULL
  AND id = (SELECT incident_id FROM deliveries WHERE id = ?1 AND fence = ?2 AND state = 'SENDING');

-- name: claim_delivery
-- Claim a delivery until its lease ends; the fence tells this claim from others. One whose last claim was never
-- completed may have been received.
UPDATE deliveries
SET state = 'SENDING', fence = ?2, next_attempt_time = ?3, doubtful = doubtful OR state = 'SENDING'
WHERE id = ?1;

-- name: was_told
-- Whether something that an incident owed a recipient by a channel before a delivery was, or may have been, received.
SELECT EXISTS (
  SELECT 1 FROM deliveries
  WHERE incident_id = ?1 AND recipient_account_id = ?2 AND channel = ?3 AND sequence < ?4
    AND (state = 'SENT' OR doubtful));

-- name: update_delivery
-- Save how a claimed delivery goes on, unless it was claimed anew.
UPDATE deliveries
SET state = ?3, attempts = ?4, next_attempt_time = ?5, last_error = ?6, address = ?7, send_time = ?8, message_id = ?9,
    doubtful = doubtful OR ?10, held_by = ?11, changed = (SELECT MAX(changed) + 1 FROM deliveries)
WHERE id = ?1 AND fence = ?2 AND state = 'SENDING';

-- name: record_attempt
-- Enter a try to send into the ledger, unless the delivery was claimed anew.
INSERT INTO delivery_attempts (delivery, number, time, outcome, detail, address, message_id)
SELECT sequence, (SELECT COALESCE(MAX(number), 0) + 1 FROM delivery_attempts WHERE delivery = sequence),
       ?3, ?4, ?5, ?6, ?7
FROM deliveries WHERE id = ?1 AND fence = ?2 AND state = 'SENDING';

-- name: record_lost_attempt
-- Enter into the ledger that nobody knows what came of a delivery whose sender is gone.
INSERT INTO delivery_attempts (delivery, number, time, outcome, detail, address, message_id)
SELECT sequence, (SELECT COALESCE(MAX(number), 0) + 1 FROM delivery_attempts WHERE delivery = sequence),
       ?2, 'UNKNOWN', ?3, address, ''
FROM deliveries WHERE id = ?1;

-- name: deliveries_being_sent
-- What is claimed.
SELECT id FROM deliveries WHERE state = 'SENDING' ORDER BY sequence;

-- name: release_delivery
-- Give back what a process that is gone had claimed: it may have been received.
UPDATE deliveries
SET state = 'RETRYING', next_attempt_time = create_time, doubtful = 1,
    changed = (SELECT MAX(changed) + 1 FROM deliveries)
WHERE id = ?1;

-- name: next_delivery_time
-- When the next delivery is due.
SELECT MIN(next_attempt_time) FROM deliveries WHERE next_attempt_time IS NOT NULL;

-- name: latest_revision
-- The latest revision that the log ever had; survives pruning.
SELECT MAX((SELECT COALESCE(MAX(revision), 0) FROM events),
           (SELECT COALESCE(MAX(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'pruned_revision'));

-- name: where_it_stands
-- The latest revision that the log ever had, and the run of a server that began last.
SELECT MAX((SELECT COALESCE(MAX(revision), 0) FROM events),
           (SELECT COALESCE(MAX(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'pruned_revision')),
       (SELECT id FROM epochs ORDER BY number DESC LIMIT 1);

-- name: oldest_revision
-- The oldest revision that the log holds.
SELECT MIN(revision) FROM events;

-- name: begin_epoch
-- Take note that a server begins to write, after a revision.
INSERT INTO epochs (id, revision) VALUES (?1, ?2);

-- name: epoch_end
-- The last revision of a server's run: the one that the next run began after.
SELECT (SELECT MIN(later.revision) FROM epochs AS later WHERE later.number > epochs.number) FROM epochs WHERE id = ?1;

-- name: log_after
-- The log after a revision.
SELECT revision, commit_revision, kind, resource_id, account_ids, encoded, added_account_ids, removed_account_ids,
       page_id
FROM events
WHERE revision > ?1 ORDER BY revision LIMIT ?2;

-- name: log_between
-- The log after a revision, up to another.
SELECT revision, commit_revision, kind, resource_id, account_ids, encoded, added_account_ids, removed_account_ids,
       page_id
FROM events
WHERE revision > ?1 AND revision <= ?2 ORDER BY revision;

-- name: prune_events
-- Drop changes of the log that are old, up to a revision.
DELETE FROM events WHERE time < ?1 AND revision <= ?2;

-- name: past_deliveries
-- Deliveries that were decided before a time and are over, but for those of open incidents: what is told is not told
-- again. Places in the ledger grow with time, so that only its old end is looked at. The last that changed is kept, so
-- that the order of changes only grows.
SELECT sequence FROM deliveries AS old
WHERE sequence < COALESCE(
    (SELECT sequence FROM deliveries WHERE create_time >= ?1 ORDER BY sequence LIMIT 1), 9223372036854775807)
  AND next_attempt_time IS NULL AND changed < (SELECT MAX(changed) FROM deliveries)
  AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.id = old.incident_id AND close_time IS NULL)
ORDER BY sequence LIMIT ?2;

-- name: drop_delivery
-- Drop a delivery, by its place in the ledger.
DELETE FROM deliveries WHERE sequence = ?1;

-- name: drop_attempts
-- Drop the attempts at a delivery, by its place in the ledger.
DELETE FROM delivery_attempts WHERE delivery = ?1;

-- name: prune_incidents
-- Drop incidents that were over before a time and of which nothing is left in the ledger.
DELETE FROM incidents WHERE id IN (
  SELECT id FROM incidents AS past
  WHERE close_time < ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE incident_id = past.id)
  ORDER BY close_time LIMIT ?2);

-- name: prune_silences
-- Drop silences that were over before a time.
DELETE FROM silences WHERE end_time < ?1;

-- name: remember_pruned
-- Remember the latest revision, which a log that was pruned whole no longer shows.
INSERT OR REPLACE INTO meta (key, value) VALUES ('pruned_revision', ?1);

-- name: prune_answers
-- Drop answers that are past keeping.
DELETE FROM answers WHERE time < ?1;

-- name: prune_attempts
-- Drop attempts at linking that have expired long ago.
DELETE FROM attempts WHERE expire_time < ?1;

-- name: read_meta
-- A value of the store itself.
SELECT value FROM meta WHERE key = ?1;

-- name: write_meta
-- Set a value of the store itself.
INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2);

-- name: checks_brought_forward
-- Have links checked now whose check, of a clock that was ahead, is put off too far.
UPDATE links SET next_check_time = ?1 WHERE next_check_time > ?2 AND failing_since IS NULL;

-- name: failing_checks_brought_forward
-- Likewise those that fail just now.
UPDATE links SET next_check_time = ?1 WHERE next_check_time > ?2 AND failing_since IS NOT NULL;

-- name: deliveries_brought_forward
-- Have what is owed tried now that is put off too far.
UPDATE deliveries SET next_attempt_time = ?1 WHERE next_attempt_time > ?2;

-- name: entries_brought_forward
-- Likewise what is to be written into calendars.
UPDATE entries SET next_attempt_time = ?1 WHERE next_attempt_time > ?2;

-- name: reviews_brought_forward
-- Likewise reviews of appointments.
UPDATE reviews SET due_time = ?1 WHERE due_time > ?2;
