"""The package calguard.v1: one module a file of proto/calguard/v1."""
