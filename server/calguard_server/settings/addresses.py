"""How addresses are written in settings."""

from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from calguard_server.notifiers.envelope import sender

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")


def check_address(text: str) -> str:
    """Refuse what is not HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:50051 (port 0: any that is free)")
    return text


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT can be reached from this machine only."""
    return address.rpartition(":")[0] in LOOPBACK


def split_url(text: str) -> SplitResult:
    """Split a URL. Raises ValueError, which does not repeat what stands in it."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("expected a URL") from None
    return parts


def check_url(text: str) -> str:
    """Refuse what is no URL of the web."""
    parts = split_url(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("expected a URL that begins with https:// or http://")
    return text


def _check_base(text: str) -> str:
    if not check_url(text).endswith("/"):
        raise ValueError("expected a trailing slash")
    return text


def _check_mailbox(text: str) -> str:
    if text:
        sender(text)
    return text


Url = Annotated[str, AfterValidator(check_url)]
BaseUrl = Annotated[str, AfterValidator(_check_base)]
Mailbox = Annotated[str, AfterValidator(_check_mailbox)]
