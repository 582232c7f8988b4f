-- How a change moved a resource between accounts, so that a watch of accounts can tell what entered and left.
ALTER TABLE events ADD COLUMN added_account_ids TEXT NOT NULL DEFAULT '[]';
ALTER TABLE events ADD COLUMN removed_account_ids TEXT NOT NULL DEFAULT '[]';
