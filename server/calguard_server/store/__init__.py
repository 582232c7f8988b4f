"""The durable state in SQLite: one writer with group commit, readers beside it, numbered migrations."""
