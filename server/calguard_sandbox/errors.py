"""What the state objects raise when they are asked for what cannot be."""


class NotKnownError(LookupError):
    """No such user, calendar, channel, token, rule or listener."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"no {kind} {name!r}")
        self.kind = kind


class BadFieldError(ValueError):
    """One field of what was asked is missing or wrong; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class ListenerError(RuntimeError):
    """Something was asked of a listener that its state does not allow."""
