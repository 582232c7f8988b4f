"""How the streams of a watch are opened: the first at once or not at all, later ones as soon as the server is there."""

import threading

import grpc

from calguard.v1.watch_pb2 import WatchRequest
from calguard.v1.watch_pb2_grpc import WatchServiceStub
from calguard_client.watching.resumption import Resumption
from calguard_client.watching.watch import Stream, Watch


class PatientWatch(Watch):
    """A watch that waits for a connection rather than for longer and longer: a person looks on."""

    def __init__(self, channel: grpc.Channel, resumption: Resumption) -> None:
        self._channel = channel
        self._stub = WatchServiceStub(channel)
        self._opened = False
        self._wake = threading.Event()
        super().__init__(self._open, resumption)

    def close(self) -> None:
        """End the watch."""
        super().close()
        self._wake.set()

    def _open(self, request: WatchRequest) -> Stream:
        if self._opened:
            self._wait_for_connection()
        self._opened = True
        return self._stub.Watch(request)

    def _wait_for_connection(self) -> None:
        self._wake.clear()
        self._channel.subscribe(self._note, try_to_connect=True)
        try:
            if not self._closed.is_set():
                self._wake.wait()
        finally:
            self._channel.unsubscribe(self._note)

    def _note(self, state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            self._wake.set()
