"""What is kept of a consent."""

from msgspec import Struct

from calguard_server.domain.secret import Secret


class Grant(Struct, frozen=True):
    """What is kept of a consent; the scopes are those that were granted, `subject` is the Google account's."""

    refresh_token: Secret
    granted_scopes: tuple[str, ...]
    subject: str = ""


class GrantUnreadableError(Exception):
    """A grant is stored, but none of the keys opens it."""
