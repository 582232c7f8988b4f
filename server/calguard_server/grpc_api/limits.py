"""How much callers may ask of this server."""

from dataclasses import dataclass, field
from datetime import timedelta

from calguard_server.grpc_api.overload import OverloadOptions


@dataclass(frozen=True, slots=True)
class Limits:
    """A caller's calls a second (0: any number) and at once; calls under way, and how long one may take."""

    caller_rate: float = 0
    caller_burst: int = 1
    calls_max: int = 4_000
    call_timeout: timedelta = timedelta(minutes=2)
    overload: OverloadOptions = field(default_factory=OverloadOptions)
