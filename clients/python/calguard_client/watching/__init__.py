"""Watching: a stream that goes on after any break, told as events."""
