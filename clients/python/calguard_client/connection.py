"""The connection to a Calguard server: the one way in which channels are opened."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version

import grpc
import grpc.aio

from calguard_client.call_kinds import service_config
from calguard_client.options import ClientOptions

_MILLISECOND = timedelta(milliseconds=1)
_KEEPALIVE = timedelta(seconds=30)
_KEEPALIVE_TIMEOUT = timedelta(seconds=10)
_RECONNECT_FIRST = timedelta(milliseconds=250)
_RECONNECT_MAX = timedelta(seconds=4)


def open_channel(address: str, options: ClientOptions) -> grpc.Channel:
    """Answer a channel to `HOST:PORT`, or another target of gRPC's, which connects at its first call.

    Raises ValueError where the token would be exposed.
    """
    options.refuse_exposed_token(address)
    if options.credentials is None:
        return grpc.insecure_channel(address, channel_arguments(options))
    return grpc.secure_channel(address, options.credentials, channel_arguments(options))


def open_async_channel(
    address: str, options: ClientOptions, interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
) -> grpc.aio.Channel:
    """Answer a channel of asyncio, as `open_channel` does."""
    options.refuse_exposed_token(address)
    arguments = channel_arguments(options)
    if options.credentials is None:
        return grpc.aio.insecure_channel(address, arguments, interceptors=interceptors)
    return grpc.aio.secure_channel(address, options.credentials, arguments, interceptors=interceptors)


def channel_arguments(options: ClientOptions) -> list[tuple[str, str | int]]:
    """Answer what gRPC is told about a channel."""
    agent = f"{options.user_agent} calguard-client/{version('calguard')}".strip()
    return [
        ("grpc.primary_user_agent", agent),
        ("grpc.service_config", service_config(retry=options.retry)),
        ("grpc.min_reconnect_backoff_ms", options.connect_timeout // _MILLISECOND),
        # A server that is back is met soon, also after hours, and before calls are no longer repeated; gRPC by itself
        # would wait for up to two minutes.
        ("grpc.initial_reconnect_backoff_ms", _RECONNECT_FIRST // _MILLISECOND),
        ("grpc.max_reconnect_backoff_ms", _RECONNECT_MAX // _MILLISECOND),
        # All changes of one transaction come in one message of a watch, however many they are.
        ("grpc.max_receive_message_length", -1),
        # A proxy for web pages, set in the environment, is not meant for a service inside the house.
        ("grpc.enable_http_proxy", 0),
        # A watch of a server that vanished without a word ends, too.
        ("grpc.keepalive_time_ms", _KEEPALIVE // _MILLISECOND),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT // _MILLISECOND),
    ]
