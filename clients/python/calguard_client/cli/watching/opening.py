"""How the streams of a watch are opened: the first at once or not at all, later ones as soon as the server is there."""

import grpc

from calguard.v1.watch_pb2 import WatchRequest
from calguard.v1.watch_pb2_grpc import WatchServiceStub
from calguard_client.watching.resumption import Resumption
from calguard_client.watching.watch import Stream, Watch


class PatientWatch(Watch):
    """A watch that waits for a connection rather than for longer and longer: a person looks on."""

    def __init__(self, channel: grpc.Channel, resumption: Resumption) -> None:
        self._stub = WatchServiceStub(channel)
        self._opening: Stream | None = None
        self._opened = False
        super().__init__(self._open, resumption)

    def close(self) -> None:
        """End the watch."""
        super().close()
        if (opening := self._opening) is not None:
            opening.cancel()

    def _open(self, request: WatchRequest) -> Stream:
        self._opening = stream = self._stub.Watch(request, wait_for_ready=self._opened)
        self._opened = True
        if self._closed.is_set():  # just now, by another thread
            stream.cancel()
        stream.initial_metadata()  # comes with the first message: until then no silence is counted against the stream
        return stream
