"""Faults on demand: rules that say which call is answered wrongly, how, and how often."""
