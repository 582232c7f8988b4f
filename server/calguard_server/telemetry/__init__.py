"""What operators see of the server: Prometheus metrics, and traces."""
