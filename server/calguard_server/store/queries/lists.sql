-- Lists, by pages of ids.

-- name: accounts_after
-- Accounts after an id, among the ids (empty list: any).
SELECT {accounts} FROM accounts
WHERE id > ?1
  AND (json_array_length(?3) = 0 OR id IN (SELECT value FROM json_each(?3)))
ORDER BY id LIMIT ?2;

-- name: links_after
-- Links after an id, of an account (empty: of any), in one of the states, of one of some accounts (each empty: any).
SELECT {links} FROM links
WHERE id > ?1
  AND (?3 = '' OR account_id = ?3)
  AND (json_array_length(?4) = 0 OR state IN (SELECT value FROM json_each(?4)))
  AND (json_array_length(?5) = 0 OR account_id IN (SELECT value FROM json_each(?5)))
ORDER BY id LIMIT ?2;

-- name: pages_after
-- Pages after an id, owned by an account or having it as a member (empty: any), in one of the phases (empty: any), and
-- so related to one of some accounts (empty: any).
SELECT {pages} FROM pages
WHERE id > ?1
  AND (?3 = '' OR owner_account_id = ?3 OR id IN (SELECT page_id FROM members WHERE account_id = ?3))
  AND (json_array_length(?4) = 0 OR phase IN (SELECT value FROM json_each(?4)))
  AND (json_array_length(?5) = 0
       OR owner_account_id IN (SELECT value FROM json_each(?5))
       OR id IN (SELECT page_id FROM members WHERE account_id IN (SELECT value FROM json_each(?5))))
ORDER BY id LIMIT ?2;

-- name: notifications_by_id
-- Deliveries among the ids, with their places in the ledger.
SELECT sequence, changed, {deliveries} FROM deliveries WHERE id IN (SELECT value FROM json_each(?1));

-- name: attempts_of_deliveries
-- The attempts at the deliveries, by their places in the ledger, oldest first.
SELECT delivery, time, outcome, detail, address, message_id FROM delivery_attempts
WHERE delivery IN (SELECT value FROM json_each(?1)) ORDER BY delivery, number;

-- name: notifications_before
-- Deliveries before a place in the ledger (0: all), newest first, in one of the states (empty: any), about a page, to
-- a recipient, to one of some (each empty: any).
SELECT sequence, changed, {deliveries} FROM deliveries
WHERE (?1 = 0 OR sequence < ?1)
  AND (json_array_length(?3) = 0 OR state IN (SELECT value FROM json_each(?3)))
  AND (?4 = '' OR page_id = ?4 OR message_id IN
       (SELECT message_id FROM deliveries WHERE page_id = ?4 AND message_id <> ''))
  AND (?5 = '' OR recipient_account_id = ?5)
  AND (json_array_length(?6) = 0 OR recipient_account_id IN (SELECT value FROM json_each(?6)))
ORDER BY sequence DESC LIMIT ?2;

-- name: notifications_changed_after
-- Deliveries that changed after a place in the order of changes, in that order, narrowed likewise.
SELECT sequence, changed, {deliveries} FROM deliveries
WHERE changed > ?1
  AND (json_array_length(?3) = 0 OR state IN (SELECT value FROM json_each(?3)))
  AND (?4 = '' OR page_id = ?4 OR message_id IN
       (SELECT message_id FROM deliveries WHERE page_id = ?4 AND message_id <> ''))
  AND (?5 = '' OR recipient_account_id = ?5)
  AND (json_array_length(?6) = 0 OR recipient_account_id IN (SELECT value FROM json_each(?6)))
ORDER BY changed LIMIT ?2;

-- name: last_change_of_deliveries
-- Where the order of changes ends.
SELECT COALESCE(MAX(changed), 0) FROM deliveries;

-- name: oldest_unsent
-- Since when the oldest delivery waits that is still to be sent, by channel.
SELECT channel, MIN(COALESCE(retry_time, create_time)) FROM deliveries
WHERE next_attempt_time IS NOT NULL GROUP BY channel;

-- name: deliveries_of_messages
-- What went out in the same messages.
SELECT message_id, id, page_id FROM deliveries
WHERE message_id IN (SELECT value FROM json_each(?1)) ORDER BY sequence;

-- name: silences_after
-- Silences in force after an id.
SELECT {silences} FROM silences WHERE end_time > ?1 AND id > ?2 ORDER BY id LIMIT ?3;

-- name: links_of_snapshot
-- Links after an id, among the ids and of the accounts (each empty: any).
SELECT {links} FROM links
WHERE id > ?1
  AND (json_array_length(?3) = 0 OR id IN (SELECT value FROM json_each(?3)))
  AND (json_array_length(?4) = 0 OR account_id IN (SELECT value FROM json_each(?4)))
ORDER BY id LIMIT ?2;

-- name: pages_of_snapshot
-- Pages after an id, among the ids, and owned by or having as a member one of the accounts (each empty: any).
SELECT {pages} FROM pages
WHERE id > ?1
  AND (json_array_length(?3) = 0 OR id IN (SELECT value FROM json_each(?3)))
  AND (json_array_length(?4) = 0
       OR owner_account_id IN (SELECT value FROM json_each(?4))
       OR id IN (SELECT page_id FROM members WHERE account_id IN (SELECT value FROM json_each(?4))))
ORDER BY id LIMIT ?2;
