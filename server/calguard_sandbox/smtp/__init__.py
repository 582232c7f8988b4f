"""SMTP: a server that keeps what it is sent, and refuses on demand."""
