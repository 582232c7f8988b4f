-- Reading rows by key, and saving them. `?1` of a read by many keys is a JSON list.

-- name: accounts_by_id
-- Accounts among the ids.
SELECT {accounts} FROM accounts WHERE id IN (SELECT value FROM json_each(?1));

-- name: links_by_id
-- Links among the ids.
SELECT {links} FROM links WHERE id IN (SELECT value FROM json_each(?1));

-- name: account_ids_by_link
-- The accounts of the links.
SELECT account_id FROM links WHERE id IN (SELECT value FROM json_each(?1));

-- name: links_by_account
-- All links of the accounts.
SELECT {links} FROM links WHERE account_id IN (SELECT value FROM json_each(?1)) ORDER BY id;

-- name: pages_by_id
-- Pages among the ids.
SELECT {pages} FROM pages WHERE id IN (SELECT value FROM json_each(?1));

-- name: page_ids_by_member
-- Ids of the pages that have one of the accounts as a member.
SELECT page_id FROM members WHERE account_id IN (SELECT value FROM json_each(?1));

-- name: page_ids_by_owner
-- Ids of the pages that one of the accounts owns.
SELECT id FROM pages WHERE owner_account_id IN (SELECT value FROM json_each(?1));

-- name: open_incidents_by_page
-- The open incidents of the pages.
SELECT id, page_id, link_id, open_time, reminder_time, silenced_time FROM incidents
WHERE close_time IS NULL AND page_id <> '' AND page_id IN (SELECT value FROM json_each(?1));

-- name: open_incidents_by_link
-- The open incidents of the links.
SELECT id, page_id, link_id, open_time, reminder_time, silenced_time FROM incidents
WHERE close_time IS NULL AND link_id <> '' AND link_id IN (SELECT value FROM json_each(?1));

-- name: told_by_incident
-- What the incidents owed to whom, in the order it was decided; of what was silenced, the faults that it names.
SELECT incident_id, recipient_account_id, channel, stage, state, doubtful,
       CASE WHEN last_error = 'SILENCED' THEN faults END
FROM deliveries
WHERE incident_id IN (SELECT value FROM json_each(?1)) ORDER BY sequence;

-- name: attempts_by_digest
-- Attempts at linking.
SELECT {attempts} FROM attempts WHERE digest IN (SELECT value FROM json_each(?1));

-- name: attempts_by_account
-- All attempts at linking of the accounts.
SELECT {attempts} FROM attempts WHERE account_id IN (SELECT value FROM json_each(?1));

-- name: answers_by_request
-- Kept answers of repeated requests.
SELECT request_id, fingerprint, encoded FROM answers WHERE request_id IN (SELECT value FROM json_each(?1));

-- name: provider_statuses
-- The status of every provider that ever had an incident.
SELECT id, incidents, revision, update_time FROM provider_status;

-- name: save_provider_status
-- Insert or replace a provider's status.
INSERT OR REPLACE INTO provider_status (id, incidents, revision, update_time) VALUES (?1, ?2, ?3, ?4);

-- name: grant_by_link
-- A link's encrypted grant.
SELECT refresh_token, granted_scopes, subject FROM grants WHERE link_id = ?1;

-- name: grants_by_links
-- Links' encrypted grants.
SELECT link_id, refresh_token, granted_scopes, subject FROM grants WHERE link_id IN (SELECT value FROM json_each(?1));

-- name: links_with_grant_of
-- The links that hold a grant of a Google account.
SELECT link_id FROM grants WHERE subject = ?1 ORDER BY link_id;

-- name: save_account
-- Insert or replace an account.
INSERT OR REPLACE INTO accounts ({accounts}) VALUES ({accounts_values});

-- name: delete_account
-- Delete an account.
DELETE FROM accounts WHERE id = ?1;

-- name: webhook_secrets_by_account
-- The encrypted secrets that sign webhooks, of the accounts among the ids.
SELECT account_id, secret FROM webhook_secrets WHERE account_id IN (SELECT value FROM json_each(?1));

-- name: save_webhook_secret
-- Insert or replace the secret that signs an account's webhooks.
INSERT OR REPLACE INTO webhook_secrets (account_id, secret) VALUES (?1, ?2);

-- name: delete_webhook_secret
-- Forget the secret that signs an account's webhooks.
DELETE FROM webhook_secrets WHERE account_id = ?1;

-- name: save_link
-- Insert or replace a link.
INSERT OR REPLACE INTO links ({links}) VALUES ({links_values});

-- name: delete_link
-- Delete a link.
DELETE FROM links WHERE id = ?1;

-- name: save_grant
-- Insert or replace a grant.
INSERT OR REPLACE INTO grants (link_id, refresh_token, granted_scopes, subject) VALUES (?1, ?2, ?3, ?4);

-- name: delete_grant
-- Forget a grant.
DELETE FROM grants WHERE link_id = ?1;

-- name: save_attempt
-- Insert or replace an attempt at linking.
INSERT OR REPLACE INTO attempts ({attempts}) VALUES ({attempts_values});

-- name: save_page
-- Insert or replace a page.
INSERT OR REPLACE INTO pages ({pages}) VALUES ({pages_values});

-- name: delete_page
-- Delete a page.
DELETE FROM pages WHERE id = ?1;

-- name: delete_members
-- Drop a page from the index of members.
DELETE FROM members WHERE page_id = ?1;

-- name: save_member
-- Enter a page into the index of members.
INSERT INTO members (account_id, page_id) VALUES (?1, ?2);

-- name: save_incident
-- Insert or replace an incident.
INSERT OR REPLACE INTO incidents ({incidents}) VALUES ({incidents_values});

-- name: insert_delivery
-- Owe a delivery; one that is owed already stays as it is.
INSERT INTO deliveries ({deliveries}, changed)
VALUES ({deliveries_values}, (SELECT COALESCE(MAX(changed), 0) + 1 FROM deliveries))
ON CONFLICT DO NOTHING;

-- name: change_delivery
-- Save what a person decided of a delivery that nobody is sending.
UPDATE deliveries
SET state = ?2, next_attempt_time = ?3, attempts_before = ?4, retry_time = ?5,
    changed = (SELECT MAX(changed) + 1 FROM deliveries)
WHERE id = ?1;

-- name: insert_event
-- Append a change to the log.
INSERT INTO events (revision, commit_revision, time, kind, resource_id, account_ids, encoded,
                    added_account_ids, removed_account_ids, page_id)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: save_answer
-- Keep the answer of a request.
INSERT OR REPLACE INTO answers (request_id, fingerprint, encoded, time) VALUES (?1, ?2, ?3, ?4);

-- name: all_silences
-- Every silence.
SELECT {silences} FROM silences;

-- name: save_silence
-- Insert or replace a silence.
INSERT OR REPLACE INTO silences ({silences}) VALUES ({silences_values});

-- name: delete_silence
-- Delete a silence.
DELETE FROM silences WHERE id = ?1;

-- name: look_at_silenced
-- Have all incidents of which something was silenced looked at again at a time.
UPDATE incidents SET silenced_time = ?1 WHERE silenced_time IS NOT NULL;
