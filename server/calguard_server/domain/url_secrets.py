"""URLs as they are shown: in the log, in errors. Keys are often part of one, as its user or in its query."""

import re

_USER = re.compile(r"[^\s/?#@'\"]+@")
_QUERY = re.compile(r"\?\S+")


def without_url_secrets(text: str) -> str:
    """Answer a URL, or a text that may have some in it, without users, passwords and queries."""
    return _USER.sub("", _QUERY.sub("?...", text))
