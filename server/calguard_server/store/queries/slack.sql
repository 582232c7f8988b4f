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
