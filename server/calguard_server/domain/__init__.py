"""What the service decides: pure and synchronous, without clock, I/O or protobuf."""
