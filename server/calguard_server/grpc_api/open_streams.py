"""How many streams may be open of a service that anybody may call, or that has no limit of its own."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.under_way import UnderWay, draining

STREAMS_MAX = 1_000
"""In all, of one service: some kilobytes each. A load balancer has one or two to each server."""

SHARE_MAX = 200
"""From one address, so that whoever takes all they can leaves some to others."""


class OpenStreams:
    """At most `at_most` streams of a service at a time, and `share` from one address."""

    def __init__(self, service: str, at_most: int, share: int) -> None:
        self._service = service
        self._at_most = at_most
        self._share = share
        self._under_way = UnderWay()
        self._from: Counter[str] = Counter()
        self._closed = False

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Be a stream that is open, in its own task.

        Raises ResourceExhaustedError `STREAM_LIMIT`, and UnavailableError `SERVER_DRAINING`, also when `close` ends it.
        """
        if self._closed:
            raise draining()
        if len(self._under_way) >= self._at_most:
            raise self._full(self._at_most, "in all")
        if self._from[address] >= self._share:
            raise self._full(self._share, "from one address")
        self._from[address] += 1
        try:
            with self._under_way.one():
                yield
        finally:
            self._from[address] -= 1
            if not self._from[address]:
                del self._from[address]

    def close(self) -> None:
        """End all streams, and let none begin any more."""
        self._closed = True
        self._under_way.break_all_off()

    def _full(self, limit: int, of_whom: str) -> ResourceExhaustedError:
        return ResourceExhaustedError(
            "STREAM_LIMIT",
            f"{limit} streams of {self._service} are open already, which is as many as this server serves {of_whom}",
            metadata={"limit": str(limit)},
        )


def address_of(context: Context) -> str:
    """Answer the address of a caller, without the port: `ipv4:192.0.2.1`."""
    return str(context.peer()).rpartition(":")[0]
