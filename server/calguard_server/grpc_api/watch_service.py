"""WatchService: the feed's bytes go out as they are."""
# ruff: noqa: N802 - the methods are named by the contract

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import grpc.aio
from msgspec.structs import replace

from calguard.v1 import watch_pb2
from calguard_server.domain.events import ResourceKind, WatchMode
from calguard_server.domain.scope import Scope
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.engine.visibility import scope_too_small
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import permit_of_call, scope_of_call, still_permitted
from calguard_server.grpc_api.validation import Checker

if TYPE_CHECKING:  # generic in the stubs only
    Context = grpc.aio.ServicerContext[watch_pb2.WatchRequest, bytes]
else:
    Context = grpc.aio.ServicerContext

_FILTER_MAX = 1_000
_PROGRESS_SECONDS = (1, 60)


class WatchFeed(Protocol):
    """The change feed: each message is a serialized WatchResponse, encoded once for all who see it."""

    def open(
        self, spec: WatchSpec, caller: str, still_permitted: Callable[[], None]
    ) -> AbstractAsyncContextManager[AsyncGenerator[bytes, None]]:
        """Stream what a watcher asked for, until `still_permitted` raises. Raises CalguardError."""
        ...


class WatchService:
    """Every change of what is watched."""

    def __init__(self, feed: WatchFeed) -> None:
        self._feed = feed

    async def Watch(self, request: watch_pb2.WatchRequest, context: Context) -> None:
        """Stream the state and then its changes."""
        spec = _within(read_spec(request), scope_of_call())
        del request  # it would be kept for as long as the watch is open
        async with self._feed.open(spec, caller_of_call(context), still_permitted()) as messages:
            async for message in messages:
                await context.write(message)


def caller_of_call(context: Any) -> str:  # noqa: ANN401 - generic in the stubs only
    """Answer who makes a call, as limits tell callers apart: by name, or by address where callers are not known."""
    permit = permit_of_call()
    return permit.name if permit else caller_of(context.peer())


def caller_of(peer: str) -> str:
    """Read who calls of a peer such as `ipv4:10.0.0.7:51234`: the address without its port."""
    return peer.rpartition(":")[0] if peer.startswith(("ipv4:", "ipv6:")) else peer


def add_watch_service(service: WatchService, server: grpc.aio.Server) -> None:
    """Register the service with no serializer for its answers, which are bytes already."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, bytes]] = {
        "Watch": grpc.unary_stream_rpc_method_handler(
            service.Watch, request_deserializer=watch_pb2.WatchRequest.FromString
        )
    }
    name = watch_pb2.DESCRIPTOR.services_by_name["WatchService"].full_name
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))


def _within(spec: WatchSpec, scope: Scope) -> WatchSpec:
    """Keep a watch to what a caller may see. The provider's status is nobody's, and so not theirs."""
    if not scope.limited:
        return spec
    if ResourceKind.PROVIDER_STATUS in spec.kinds:
        raise scope_too_small("the provider's status is watched by callers who are not limited to some accounts")
    return replace(spec, account_ids=scope.narrow(spec.account_ids))


def read_spec(request: watch_pb2.WatchRequest) -> WatchSpec:
    """Read what a watcher asks for. Raises InvalidArgumentError."""
    check = Checker()
    spec = WatchSpec(
        account_ids=check.ids("account_ids", request.account_ids, _FILTER_MAX),
        calendar_link_ids=check.ids("calendar_link_ids", request.calendar_link_ids, _FILTER_MAX),
        booking_page_ids=check.ids("booking_page_ids", request.booking_page_ids, _FILTER_MAX),
        kinds=check.enums("kinds", request.kinds, enums.RESOURCE_KIND),
        resume_token=request.resume_token,  # any text at all: only the feed can tell a token
        skip_snapshot=request.skip_snapshot,
        progress_interval=check.interval("progress_interval", request.progress_interval, *_PROGRESS_SECONDS)
        if request.HasField("progress_interval")
        else None,
        mode=check.enum("mode", request.mode, enums.WATCH_MODE, WatchMode.EVERY) or WatchMode.EVERY,
    )
    only_links = spec.calendar_link_ids and not (spec.account_ids or spec.booking_page_ids)
    check.expect(
        not (only_links and ResourceKind.APPOINTMENT in spec.kinds),
        "calendar_link_ids",
        "expected none beside kinds APPOINTMENT, unless account_ids or booking_page_ids say of whose or which page",
    )
    check.expect(not (spec.resume_token and spec.skip_snapshot), "skip_snapshot", "expected no resume_token beside it")
    check.refuse()
    return spec
