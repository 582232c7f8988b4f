"""Pages, as the Calendar API cuts them: `maxResults`, `pageToken`, `nextPageToken`."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from calguard_sandbox.google.errors import bad_request

T = TypeVar("T")


def page_of(
    items: Sequence[T], query: Mapping[str, str], *, default: int, largest: int
) -> tuple[Sequence[T], str | None]:
    """The page asked for and the token of the next; a larger page than allowed is cut, without an error."""
    size = min(_number(query.get("maxResults", str(default)), "maxResults"), largest)
    start = _number(query["pageToken"], "pageToken") if query.get("pageToken") else 0
    if size == 0 or start > len(items):
        raise bad_request("invalid", "Invalid Value")
    end = start + size
    return items[start:end], str(end) if end < len(items) else None


def _number(text: str, parameter: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise bad_request("invalidParameter", f"Invalid value for parameter {parameter}")
    return int(text)
