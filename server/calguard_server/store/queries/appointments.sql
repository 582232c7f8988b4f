-- Appointments, who has them, and their entries in calendars. `?1` of a read by many keys is a JSON list.

-- name: appointments_by_id
-- Appointments among the ids.
SELECT {appointments} FROM appointments WHERE id IN (SELECT value FROM json_each(?1));

-- name: entries_by_appointment
-- The entries of the appointments: those who have each by their places, then those who had it.
SELECT {entries} FROM entries
WHERE appointment_id IN (SELECT value FROM json_each(?1))
ORDER BY appointment_id, place IS NULL, place, sequence;

-- name: appointments_in_the_way
-- The appointments for which one of the accounts is to keep a time that overlaps another; none is longer than ?4.
SELECT DISTINCT appointment_id FROM entries
WHERE standing = 1 AND account_id IN (SELECT value FROM json_each(?1))
  AND start_time > ?2 - ?4 AND start_time < ?3 AND end_time > ?2;

-- name: times_in_the_way
-- The times that accounts are to keep, as far as they overlap another; none is longer than ?4.
SELECT account_id, start_time, end_time FROM entries
WHERE standing = 1 AND account_id IN (SELECT value FROM json_each(?1))
  AND start_time > ?2 - ?4 AND start_time < ?3 AND end_time > ?2;

-- name: assigned_since
-- How many appointments of a page each member keeps that were assigned since a time.
SELECT account_id, COUNT(*) FROM entries INDEXED BY entries_counted
WHERE page_id = ?1 AND standing = 1 AND assign_time >= ?2 GROUP BY account_id;

-- name: last_assigned
-- When each of the accounts was last assigned an appointment of a page.
SELECT value, (SELECT MAX(assign_time) FROM entries WHERE page_id = ?1 AND account_id = value) FROM json_each(?2);

-- name: assigned_last
-- Who was assigned an appointment of a page last.
SELECT account_id FROM entries WHERE page_id = ?1 ORDER BY assign_time DESC, sequence DESC LIMIT 1;

-- name: save_appointment
-- Insert or replace an appointment.
INSERT OR REPLACE INTO appointments ({appointments}) VALUES ({appointments_values});

-- name: save_entry
-- Insert an entry, or change what can change of it.
INSERT INTO entries ({entries}) VALUES ({entries_values})
ON CONFLICT (event_id) DO UPDATE SET
  place = excluded.place, standing = excluded.standing, state = excluded.state, link_id = excluded.link_id,
  calendar_id = excluded.calendar_id, cause_reason = excluded.cause_reason, cause_since = excluded.cause_since,
  cause_calendar_id = excluded.cause_calendar_id, cause_capability = excluded.cause_capability,
  attempts = excluded.attempts, next_attempt_time = excluded.next_attempt_time, fence = excluded.fence,
  claimed = excluded.claimed;

-- name: wake_entries
-- Have what could not be added to, or removed from, an account's calendars tried at once. What is to be removed, and was
-- not tried yet, keeps its time.
UPDATE entries
SET attempts = 0, next_attempt_time = CASE
  WHEN claimed OR (state = 'REMOVING' AND attempts = 0 AND next_attempt_time IS NOT NULL) THEN next_attempt_time
  ELSE ?2 END
WHERE account_id = ?1 AND state IN ('NOT_ADDED', 'REMOVING');

-- name: due_entries
-- Entries that are due, one an account, the longest due first; not those of accounts that are named. What is to be added
-- waits for its review.
SELECT appointment_id, event_id, account_id FROM (
  SELECT appointment_id, event_id, account_id, next_attempt_time,
         ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY next_attempt_time, sequence) AS nth
  FROM entries
  WHERE next_attempt_time <= ?1 AND account_id NOT IN (SELECT value FROM json_each(?3))
    AND NOT (standing = 1 AND EXISTS (
      SELECT 1 FROM reviews
      WHERE reviews.account_id = entries.account_id AND reviews.appointment_id = entries.appointment_id
        AND reviews.due_time IS NOT NULL)))
WHERE nth = 1 ORDER BY next_attempt_time, event_id LIMIT ?2;

-- name: next_entry_time
-- When the next entry is due.
SELECT MIN(next_attempt_time) FROM entries WHERE next_attempt_time IS NOT NULL;

-- name: mark_reviews
-- Have an account's appointments reviewed that were assigned while it was faulty, and were not reviewed since; none is
-- longer than ?3.
INSERT INTO reviews (account_id, appointment_id, assign_time, due_time)
SELECT DISTINCT account_id, appointment_id, assign_time, ?2 FROM entries
WHERE standing = 1 AND account_id = ?1 AND start_time > ?2 - ?3 AND end_time > ?2 AND faulty = 1
ON CONFLICT DO NOTHING;

-- name: put_off_review
-- Have an account's appointment reviewed at another time; NULL: it was.
UPDATE reviews SET due_time = ?3 WHERE account_id = ?1 AND appointment_id = ?2 AND due_time IS NOT NULL;

-- name: drop_review
-- Leave an account's appointment to the next recovery.
DELETE FROM reviews WHERE account_id = ?1 AND appointment_id = ?2 AND due_time IS NOT NULL;

-- name: due_reviews
-- The accounts of which appointments are to be reviewed, with all of these that are due, the longest due first; not
-- accounts that are named.
SELECT account_id, json_group_array(DISTINCT appointment_id) FROM reviews INDEXED BY reviews_due
WHERE due_time <= ?1 AND account_id NOT IN (SELECT value FROM json_each(?3))
GROUP BY account_id ORDER BY MIN(due_time), account_id LIMIT ?2;

-- name: next_review_time
-- When the next review is due.
SELECT MIN(due_time) FROM reviews WHERE due_time IS NOT NULL;

-- name: own_events
-- Where, and for which times that overlap another, events of an account's entries may be; none is longer than ?4.
SELECT calendar_id, start_time, end_time FROM entries
WHERE standing = 1 AND account_id = ?1 AND start_time > ?2 - ?4 AND start_time < ?3 AND end_time > ?2
  AND fence > 0 AND state <> 'REMOVED'
UNION ALL
SELECT calendar_id, start_time, end_time FROM entries
WHERE account_id = ?1 AND state IN ('NOT_ADDED', 'REMOVING') AND standing = 0 AND start_time < ?3 AND end_time > ?2;

-- name: appointments_after
-- Appointments after a start time and an id, on a page, that an account has (each empty: any), that end after a time and
-- begin before another (each NULL: no matter when), in one of the states (empty: any), that one of some accounts has, or
-- whose page it owns or is a member of (empty: any), and that stand and have a conflict (0: no matter).
SELECT {appointments} FROM appointments
WHERE (start_time, id) > (?1, ?2)
  AND (?4 = '' OR page_id = ?4)
  AND (?5 = '' OR id IN (SELECT appointment_id FROM entries WHERE account_id = ?5 AND place IS NOT NULL))
  AND (?6 IS NULL OR end_time > ?6)
  AND (?7 IS NULL OR start_time < ?7)
  AND (json_array_length(?8) = 0 OR state IN (SELECT value FROM json_each(?8)))
  AND (?10 = 0 OR (state = 'ASSIGNED' AND conflicts <> '[]'))
  AND (json_array_length(?9) = 0
       OR id IN (SELECT appointment_id FROM entries
                 WHERE account_id IN (SELECT value FROM json_each(?9)) AND place IS NOT NULL)
       OR page_id IN (SELECT id FROM pages WHERE owner_account_id IN (SELECT value FROM json_each(?9)))
       OR page_id IN (SELECT page_id FROM members WHERE account_id IN (SELECT value FROM json_each(?9))))
ORDER BY start_time, id LIMIT ?3;

-- name: appointments_of_page_after
-- The same of one page, by an index of its own.
SELECT {appointments} FROM appointments
WHERE page_id = ?4 AND (start_time, id) > (?1, ?2)
  AND (?5 = '' OR id IN (SELECT appointment_id FROM entries WHERE account_id = ?5 AND place IS NOT NULL))
  AND (?6 IS NULL OR end_time > ?6)
  AND (?7 IS NULL OR start_time < ?7)
  AND (json_array_length(?8) = 0 OR state IN (SELECT value FROM json_each(?8)))
  AND (?10 = 0 OR (state = 'ASSIGNED' AND conflicts <> '[]'))
  AND (json_array_length(?9) = 0
       OR id IN (SELECT appointment_id FROM entries
                 WHERE account_id IN (SELECT value FROM json_each(?9)) AND place IS NOT NULL)
       OR page_id IN (SELECT id FROM pages WHERE owner_account_id IN (SELECT value FROM json_each(?9)))
       OR page_id IN (SELECT page_id FROM members WHERE account_id IN (SELECT value FROM json_each(?9))))
ORDER BY start_time, id LIMIT ?3;

-- name: appointments_of_snapshot
-- Appointments after a start time and an id that are assigned and not over by ?4, on one of the pages, and that one of
-- the accounts has (each empty: any); none is longer than ?7.
SELECT {appointments} FROM appointments
WHERE (start_time, id) > (?1, ?2) AND end_time > ?4 AND state = 'ASSIGNED'
  AND (json_array_length(?5) = 0 OR page_id IN (SELECT value FROM json_each(?5)))
  AND (json_array_length(?6) = 0
       OR id IN (SELECT appointment_id FROM entries
                 WHERE standing = 1 AND account_id IN (SELECT value FROM json_each(?6)) AND start_time > ?4 - ?7))
ORDER BY start_time, id LIMIT ?3;
