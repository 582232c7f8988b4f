"""Who may call: tokens, the roles that they give, and the file that names them by their hashes."""
