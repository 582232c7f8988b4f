"""How often each caller may call: calls over their rate are refused before anything of the request is read."""

import math
from collections.abc import Callable

from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.grpc_api.token_buckets import TokenBuckets


class CallerRate:
    """Each caller may make `rate` calls a second, and `burst` at once; a rate of 0 limits nobody."""

    def __init__(self, rate: float, burst: int, timer: Callable[[], float]) -> None:
        self._rate = rate
        self._buckets = TokenBuckets(rate, burst, timer) if rate else None

    def admit(self, caller: str) -> None:
        """Count a call of a caller. Raises ResourceExhaustedError `RATE_LIMIT`, with when to call again."""
        if self._buckets is not None and (wait := self._buckets.take(caller)):
            raise ResourceExhaustedError(
                "RATE_LIMIT",
                f"this caller makes more than {self._rate:g} calls a second: call again in a moment, and less often",
                metadata={"calls_a_second": f"{self._rate:g}"},
                retry_after=math.ceil(wait * 1000) / 1000,
            )
