"""Slack: the part of the Web API that sends messages to channels and people."""
