"""The HTTP face: the page that Google's consent page sends people back to, liveness, and metrics."""
