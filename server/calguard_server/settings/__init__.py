"""The settings, by topic; `server.py` has all of them together, and reads the environment."""
