"""The connection to a Calguard server."""

from datetime import timedelta

import grpc

_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000


def open_channel(address: str, connect_timeout: timedelta) -> grpc.Channel:
    """Answer a channel to `HOST:PORT`, which connects at its first call; an attempt is given up after the timeout."""
    return grpc.insecure_channel(
        address,
        options=(
            ("grpc.min_reconnect_backoff_ms", connect_timeout // timedelta(milliseconds=1)),
            # All changes of one transaction come in one message of a watch, however many they are.
            ("grpc.max_receive_message_length", -1),
            # A proxy for web pages, set in the environment, is not meant for a service inside the house.
            ("grpc.enable_http_proxy", 0),
            # A watch of a server that vanished without a word ends, too.
            ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
            ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ),
    )
