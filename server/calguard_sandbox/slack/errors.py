"""What Slack answers where it does not do as it is asked."""


class SlackError(Exception):
    """`{"ok": false, "error": ...}`, with whatever more that error carries."""

    def __init__(self, error: str, **more: str) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


class RateLimitedError(SlackError):
    """429, with the seconds to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__("ratelimited")
        self.seconds = seconds
