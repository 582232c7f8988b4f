-- Slack workspaces; that of the settings has a row, too, and no token here. `broken_code` is empty where it is not broken.
CREATE TABLE slack_workspaces (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  team_id TEXT NOT NULL,
  team_name TEXT NOT NULL,
  broken_code TEXT NOT NULL,
  broken_since INTEGER,
  token_version INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) WITHOUT ROWID;

-- Bot tokens, encrypted; apart from the workspaces, so that no listing of them can hold one.
CREATE TABLE slack_tokens (
  workspace_id TEXT PRIMARY KEY,
  bot_token BLOB NOT NULL
) WITHOUT ROWID;

CREATE INDEX accounts_by_slack_workspace ON accounts (slack_workspace_id) WHERE slack_workspace_id <> '';
CREATE INDEX pages_by_slack_workspace ON pages (slack_workspace_id) WHERE slack_workspace_id <> '';

-- The messages in Slack that began a thread: where each is, what it said (JSON), and what its title is marked with when
-- it is over. `message_id` is that of the deliveries that went out with it.
CREATE TABLE slack_posts (
  message_id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  ts TEXT NOT NULL,
  content TEXT NOT NULL,
  over_label TEXT NOT NULL,
  time INTEGER NOT NULL,
  marked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX slack_posts_to_mark ON slack_posts (time) WHERE marked = 0;

CREATE INDEX slack_posts_by_time ON slack_posts (time);

-- The Slack workspace whose recovery a delivery waits for; empty where it waits for none.
ALTER TABLE deliveries ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
CREATE INDEX deliveries_held ON deliveries (held_by) WHERE held_by <> '';
