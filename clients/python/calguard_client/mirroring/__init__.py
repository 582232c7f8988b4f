"""Mirroring: a copy of the state in memory, kept by a watch."""
