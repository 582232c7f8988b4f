-- Where an account's webhooks go; empty: nowhere. The version counts the secrets that were set.
ALTER TABLE accounts ADD COLUMN webhook_url TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN webhook_secret_version INTEGER NOT NULL DEFAULT 0;

-- The secrets that sign webhooks, encrypted; apart from the accounts, so that no listing of them can hold one.
CREATE TABLE webhook_secrets (
  account_id TEXT PRIMARY KEY,
  secret BLOB NOT NULL
) WITHOUT ROWID;
