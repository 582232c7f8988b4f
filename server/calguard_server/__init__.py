"""Calguard: guards booking pages against broken calendar links."""
