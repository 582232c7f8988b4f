"""The server as grpcurl sees it: `python -m tests.grpcurl`, or `make grpcurl`. It needs Go, which installs grpcurl.

README.md's own examples are run, and every method of every service is called with an empty message.
"""
