"""The change feed: one ring of encoded changes for all streams, a cursor a stream, the durable log behind it."""
