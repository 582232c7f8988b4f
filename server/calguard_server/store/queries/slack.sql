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
INSERT OR REPLACE INTO slack_posts (message_id, workspace_id, channel, ts, content, over_label, time)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

-- name: delete_slack_post
-- Forget a message that began a thread.
DELETE FROM slack_posts WHERE message_id = ?1;

-- name: slack_post_marked
-- Note that a message is marked as over.
UPDATE slack_posts SET marked = 1 WHERE message_id = ?1;

-- name: slack_posts_of
-- The messages by which a recipient was told of the incidents and that began a thread, by incident, oldest first.
SELECT told.incident_id, posts.message_id, posts.workspace_id, posts.channel, posts.ts, posts.content, posts.over_label
FROM deliveries AS told JOIN slack_posts AS posts ON posts.message_id = told.message_id
WHERE told.incident_id IN (SELECT value FROM json_each(?1)) AND told.recipient_account_id = ?2
  AND told.channel = 'SLACK'
ORDER BY told.sequence;

-- name: slack_posts_over
-- Messages to be marked as over: all that they told of is closed. An incident of the provider's has no row of its own:
-- it is closed when the operator is told so.
SELECT message_id, workspace_id, channel, ts, content, over_label FROM slack_posts
WHERE marked = 0 AND NOT EXISTS (
  SELECT 1 FROM deliveries AS beside LEFT JOIN incidents ON incidents.id = beside.incident_id
  WHERE beside.message_id = slack_posts.message_id AND CASE
    WHEN incidents.id IS NOT NULL THEN incidents.close_time IS NULL
    ELSE NOT EXISTS (
      SELECT 1 FROM deliveries AS ending
      WHERE ending.incident_id = beside.incident_id AND ending.stage = 'PROVIDER_INCIDENT_OVER')
    END)
ORDER BY time LIMIT ?1;

-- name: prune_slack_posts
-- Drop messages that began a thread: all that they told of is over, and has been for a while.
DELETE FROM slack_posts
WHERE time < ?1 AND NOT EXISTS (
  SELECT 1 FROM deliveries JOIN incidents ON incidents.id = deliveries.incident_id
  WHERE deliveries.message_id = slack_posts.message_id
    AND (incidents.close_time IS NULL OR incidents.close_time >= ?1));
