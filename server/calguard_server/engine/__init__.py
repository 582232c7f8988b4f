"""The use cases: load, decide, commit. Knows ports, not their adapters."""
