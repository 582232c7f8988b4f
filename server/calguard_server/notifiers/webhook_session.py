"""The connections over which webhooks go out: one for each, to public addresses only, trusted by their certificates.

1. The address is judged where the socket for it is made: whatever a name resolved to, however an address was written,
   and whatever the name resolves to a moment later.
2. No proxy or password of the environment is used, no cookie kept, no redirect followed, no answer's body read.
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp

from calguard_server.notifiers.own_names import OwnNames
from calguard_server.notifiers.public_address import is_public


@dataclass(slots=True)
class Progress:
    """How far an attempt came; once it is connected, what is sent may be received."""

    connected: bool = False


class AddressRefusedError(OSError):
    """The address is not a public one. Each says the same: so several refused ones of a host remain this error."""

    def __init__(self) -> None:
        super().__init__("not a public address")


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """`ca_file`: certificates in PEM that are trusted besides the system's. `allow_private`: any address will do."""

    allow_private: bool = False
    ca_file: str = ""


def open_session(options: SessionOptions) -> aiohttp.ClientSession:
    """Open a session for webhooks; its requests carry a Progress as their context. Raises OSError for a bad file."""
    tls = ssl.create_default_context()
    if options.ca_file:
        tls.load_verify_locations(options.ca_file)
    connector = aiohttp.TCPConnector(
        limit=0,
        ssl=tls,
        force_close=True,
        resolver=OwnNames(),
        use_dns_cache=False,
        happy_eyeballs_delay=None,
        socket_factory=_any_socket if options.allow_private else _public_socket,
    )
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(_connected)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the notifier has one for the whole
        trust_env=False,
        auto_decompress=False,
        trace_configs=[tracing],
    )


def _public_socket(found: tuple[Any, ...]) -> socket.socket:
    """Make the socket that is about to be connected to an address. Raises AddressRefusedError."""
    if not is_public(str(found[4][0])):
        raise AddressRefusedError
    return _any_socket(found)


def _any_socket(found: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, *_ = found
    return socket.socket(family, kind, protocol)


async def _connected(_session: object, context: Any, _params: object) -> None:  # noqa: ANN401 - as aiohttp passes it
    context.trace_request_ctx.connected = True
