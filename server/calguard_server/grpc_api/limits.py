"""How much callers may ask of this server."""

from dataclasses import dataclass, field
from datetime import timedelta

from calguard_server.grpc_api.first_request import WAIT_SECONDS, WAITING_MAX
from calguard_server.grpc_api.open_streams import SHARE_MAX, STREAMS_MAX
from calguard_server.grpc_api.overload import OverloadOptions


@dataclass(frozen=True, slots=True)
class Limits:
    """A caller's calls a second (0: any number) and at once; calls under way, and how long one may take.

    `connection_streams` may be open on one connection; `open_streams` are those of health's watch, and of reflection,
    in all, and of them the share of one address. `waiting_max` opened calls of health may be without their request,
    each for so many seconds at most.
    """

    caller_rate: float = 0
    caller_burst: int = 1
    calls_max: int = 4_000
    call_timeout: timedelta = timedelta(minutes=2)
    connection_streams: int = 6_000
    open_streams: int = STREAMS_MAX
    open_streams_share: int = SHARE_MAX
    waiting_max: int = WAITING_MAX
    wait_seconds: float = WAIT_SECONDS
    overload: OverloadOptions = field(default_factory=OverloadOptions)
