-- The first schema. Times are microseconds since 1970 in UTC; lists and faults are JSON.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  display_name TEXT NOT NULL,
  email TEXT NOT NULL,
  locale TEXT NOT NULL,
  slack_workspace_id TEXT NOT NULL,
  slack_user_id TEXT NOT NULL,
  slack_channel_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE links (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  provider_subject TEXT NOT NULL,
  provider_email TEXT NOT NULL,
  state TEXT NOT NULL,
  cause_reason TEXT,
  cause_since INTEGER,
  cause_calendar_id TEXT,
  cause_capability TEXT,
  state_time INTEGER NOT NULL,
  has_grant INTEGER NOT NULL,
  granted_scopes TEXT NOT NULL,
  check_calendar_ids TEXT NOT NULL,
  add_calendar_id TEXT NOT NULL,
  last_check_time INTEGER,
  next_check_time INTEGER,
  consecutive_failures INTEGER NOT NULL,
  failing_since INTEGER,
  quota_exhausted_since INTEGER,
  evidence INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX links_by_account ON links (account_id);
CREATE INDEX links_due ON links (next_check_time) WHERE next_check_time IS NOT NULL;

-- Refresh tokens, encrypted; apart from the links, so that no listing of links can hold one.
CREATE TABLE grants (
  link_id TEXT PRIMARY KEY,
  refresh_token BLOB NOT NULL,
  granted_scopes TEXT NOT NULL
) WITHOUT ROWID;

-- Begun linkings, under a digest of their state; the code verifier is encrypted.
CREATE TABLE attempts (
  digest TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  calendar_link_id TEXT NOT NULL,
  code_verifier BLOB NOT NULL,
  redirect_uri TEXT NOT NULL,
  select_primary INTEGER NOT NULL,
  allow_account_change INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  expire_time INTEGER NOT NULL,
  used INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX attempts_by_expire_time ON attempts (expire_time);

CREATE TABLE pages (
  id TEXT PRIMARY KEY,
  owner_account_id TEXT NOT NULL,
  title TEXT NOT NULL,
  scheduling_mode TEXT NOT NULL,
  members TEXT NOT NULL,
  faulty_members TEXT NOT NULL,
  assignment_method TEXT NOT NULL,
  slack_workspace_id TEXT NOT NULL,
  slack_user_id TEXT NOT NULL,
  slack_channel_id TEXT NOT NULL,
  phase TEXT NOT NULL,
  faulty TEXT NOT NULL,
  state_time INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX pages_by_owner ON pages (owner_account_id);

-- Finds the pages of an account; the members themselves, in their order, are in the page.
CREATE TABLE members (
  account_id TEXT NOT NULL,
  page_id TEXT NOT NULL,
  PRIMARY KEY (account_id, page_id)
) WITHOUT ROWID;

CREATE INDEX members_by_page ON members (page_id);

CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  page_id TEXT NOT NULL,
  open_time INTEGER NOT NULL,
  close_time INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX incidents_open ON incidents (page_id) WHERE close_time IS NULL;

-- What is owed to recipients. `next_attempt_time` is when a delivery may be claimed next (while it is SENDING: when its
-- lease ends), and NULL when it is not to be tried any more. `doubtful`: it may have been received, but that is not known.
CREATE TABLE deliveries (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  incident_id TEXT NOT NULL,
  page_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  recipient_account_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  faults TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  next_attempt_time INTEGER,
  create_time INTEGER NOT NULL,
  address TEXT NOT NULL,
  last_error TEXT NOT NULL,
  send_time INTEGER,
  message_id TEXT NOT NULL,
  fence INTEGER NOT NULL,
  doubtful INTEGER NOT NULL
);

CREATE UNIQUE INDEX deliveries_once ON deliveries (incident_id, recipient_account_id, channel, stage);
CREATE INDEX deliveries_due ON deliveries (next_attempt_time) WHERE next_attempt_time IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (recipient_account_id, channel, kind)
  WHERE next_attempt_time IS NOT NULL;
CREATE INDEX deliveries_by_message ON deliveries (message_id) WHERE message_id <> '';
CREATE INDEX deliveries_by_page ON deliveries (page_id, sequence);

-- The log of changes: the whole change, encoded once; `commit_revision` is the last revision of its transaction.
CREATE TABLE events (
  revision INTEGER PRIMARY KEY,
  commit_revision INTEGER NOT NULL,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  account_ids TEXT NOT NULL,
  encoded BLOB NOT NULL
);

-- Answers of requests that carried a request_id, for when they are repeated; encrypted, since some hold a secret.
CREATE TABLE answers (
  request_id TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  encoded BLOB NOT NULL,
  time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX answers_by_time ON answers (time);
