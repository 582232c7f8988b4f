-- Slack workspaces, their tokens, and the messages that began a thread. `?1` of a read by many keys is a JSON list.

-- name: slack_workspaces_by_id
-- Workspaces among the ids.
SELECT {slack_workspaces} FROM slack_workspaces WHERE id IN (SELECT value FROM json_each(?1));

-- name: slack_workspaces
-- Every workspace with its encrypted token; that of the settings has none here.
SELECT {slack_workspaces}, (SELECT bot_token FROM slack_tokens WHERE workspace_id = slack_workspaces.id)
FROM slack_workspaces ORDER BY id;

-- name: save_slack_workspace
-- Insert or replace a workspace.
INSERT OR REPLACE INTO slack_workspaces ({slack_workspaces}) VALUES ({slack_workspaces_values});

-- name: delete_slack_workspace
-- Delete a workspace.
DELETE FROM slack_workspaces WHERE id = ?1;

-- name: save_slack_token
-- Insert or replace a workspace's token.
INSERT OR REPLACE INTO slack_tokens (workspace_id, bot_token) VALUES (?1, ?2);

-- name: delete_slack_token
-- Forget a workspace's token.
DELETE FROM slack_tokens WHERE workspace_id = ?1;

-- name: accounts_by_slack_workspace
-- The accounts whose Slack address names one of the workspaces.
SELECT slack_workspace_id, id FROM accounts
WHERE slack_workspace_id <> '' AND slack_workspace_id IN (SELECT value FROM json_each(?1));

-- name: pages_by_slack_workspace
-- The pages whose Slack address names one of the workspaces.
SELECT slack_workspace_id, id FROM pages
WHERE slack_workspace_id <> '' AND slack_workspace_id IN (SELECT value FROM json_each(?1));

-- name: wake_held
-- Let what waits for a workspace be tried now; what is being looked at just now is left alone.
UPDATE deliveries SET next_attempt_time = ?2, held_by = ''
WHERE held_by = ?1 AND held_by <> '' AND next_attempt_time > ?2 AND state <> 'SENDING';

-- name: save_slack_post
-- Keep a message that began a thread.
INSERT OR REPLACE INTO slack_posts (message_id, workspace_id, channel, ts, content, time)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: slack_threads
-- The messages by which a recipient was told of the incidents and that began a thread, each with whether something that
-- it told of is still open; the latest of an incident comes last.
SELECT told.incident_id, posts.message_id, posts.workspace_id, posts.channel, posts.ts, posts.content, EXISTS (
  SELECT 1 FROM deliveries AS beside JOIN incidents ON incidents.id = beside.incident_id
  WHERE beside.message_id = posts.message_id AND incidents.close_time IS NULL)
FROM deliveries AS told JOIN slack_posts AS posts ON posts.message_id = told.message_id
WHERE told.incident_id IN (SELECT value FROM json_each(?1)) AND told.recipient_account_id = ?2
  AND told.channel = 'SLACK'
ORDER BY told.sequence;

-- name: prune_slack_posts
-- Drop messages that began a thread: all that they told of is over, and has been for a while.
DELETE FROM slack_posts
WHERE time < ?1 AND NOT EXISTS (
  SELECT 1 FROM deliveries JOIN incidents ON incidents.id = deliveries.incident_id
  WHERE deliveries.message_id = slack_posts.message_id
    AND (incidents.close_time IS NULL OR incidents.close_time >= ?1));
