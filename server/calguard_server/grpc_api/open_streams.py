"""How many streams may be open of a service that anybody may call, or that has no limit of its own."""

from contextlib import AbstractContextManager

from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.grpc_api.under_way import UnderWay, draining

STREAMS_MAX = 1_000
"""In all, of one service: some kilobytes each. A load balancer has one or two to each server."""


class OpenStreams(AbstractContextManager[None]):
    """At most `at_most` streams of a service at a time. Entered for each stream, by its task."""

    def __init__(self, service: str, at_most: int) -> None:
        self._service = service
        self._at_most = at_most
        self._under_way = UnderWay()
        self._closed = False

    def __enter__(self) -> None:
        """Let a stream begin. Raises ResourceExhaustedError `STREAM_LIMIT`, UnavailableError `SERVER_DRAINING`."""
        if self._closed:
            raise draining()
        if len(self._under_way) >= self._at_most:
            raise ResourceExhaustedError(
                "STREAM_LIMIT",
                f"{self._at_most} streams of {self._service} are open already, which is as many as this server serves",
                metadata={"limit": str(self._at_most)},
            )
        self._under_way.enter()

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Take note of a stream's end. Raises UnavailableError `SERVER_DRAINING` where it was ended by `close`."""
        self._under_way.leave(error)

    def close(self) -> None:
        """End all streams, and let none begin any more."""
        self._closed = True
        self._under_way.break_all_off()
