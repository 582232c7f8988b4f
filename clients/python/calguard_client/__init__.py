"""The client of Calguard: the connection to a server, and the `calguard` command. It knows the contract alone."""
