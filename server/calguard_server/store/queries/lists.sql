-- Lists, by pages of ids.

-- name: accounts_after
-- Accounts after an id.
SELECT {accounts} FROM accounts WHERE id > ?1 ORDER BY id LIMIT ?2;

-- name: links_after
-- Links after an id, of an account (empty: of any), in one of the states (empty list: in any).
SELECT {links} FROM links
WHERE id > ?1
  AND (?3 = '' OR account_id = ?3)
  AND (json_array_length(?4) = 0 OR state IN (SELECT value FROM json_each(?4)))
ORDER BY id LIMIT ?2;

-- name: pages_after
-- Pages after an id, owned by an account or having it as a member (empty: any), in one of the phases (empty: any).
SELECT {pages} FROM pages
WHERE id > ?1
  AND (?3 = '' OR owner_account_id = ?3 OR id IN (SELECT page_id FROM members WHERE account_id = ?3))
  AND (json_array_length(?4) = 0 OR phase IN (SELECT value FROM json_each(?4)))
ORDER BY id LIMIT ?2;

-- name: notification_by_id
-- A delivery with its place in the ledger.
SELECT sequence, {deliveries} FROM deliveries WHERE id = ?1;

-- name: notifications_before
-- Deliveries before a place in the ledger (0: all), newest first, in one of the states (empty: any), about a page, to
-- a recipient (each empty: any).
SELECT sequence, {deliveries} FROM deliveries
WHERE (?1 = 0 OR sequence < ?1)
  AND (json_array_length(?3) = 0 OR state IN (SELECT value FROM json_each(?3)))
  AND (?4 = '' OR page_id = ?4 OR message_id IN
       (SELECT message_id FROM deliveries WHERE page_id = ?4 AND message_id <> ''))
  AND (?5 = '' OR recipient_account_id = ?5)
ORDER BY sequence DESC LIMIT ?2;

-- name: pages_of_messages
-- The pages that went out in the same messages.
SELECT message_id, page_id FROM deliveries
WHERE message_id IN (SELECT value FROM json_each(?1)) AND page_id <> '' ORDER BY sequence;

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
