"""Stands before each method, and looks at what a caller names whose accounts are limited.

What was answered to a caller before, by `request_id`, is answered again without a look: by then it may be gone.
"""

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from calguard_server.engine.requests import refuse_replay_of
from calguard_server.engine.visibility import Visibility
from calguard_server.grpc_api.authentication import scope_of_call
from calguard_server.grpc_api.handlers import Handler, parts_of
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.roles import OPEN
from calguard_server.grpc_api.scopes import rule_for


class ScopeGuard:
    """Wraps the handlers of methods."""

    def __init__(self, visible: Visibility) -> None:
        self._visible = visible

    def wrap(self, method: str, handler: Handler) -> Handler:
        """Answer the handler behind the rule of its method; as it is, where it is open to all."""
        if method in OPEN:
            return handler
        make, serve = parts_of(handler)
        guarded = self._streaming(method, serve) if inspect.isasyncgenfunction(serve) else self._plain(method, serve)
        wrapped: Handler = make(guarded, handler.request_deserializer, handler.response_serializer)
        return wrapped

    def _plain(self, method: str, serve: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: object) -> Any:  # noqa: ANN401 - whatever the method takes and answers
            if scope_of_call().limited:
                await self._judge(method, request)
            serving = serve(request, context)
            del request  # a watch is served for long, and forgets it
            return await serving

        return guarded

    def _streaming(self, method: str, serve: Callable[..., Any]) -> Callable[..., Any]:
        async def guarded(request: Any, context: object) -> AsyncIterator[Any]:  # noqa: ANN401 - likewise
            if scope_of_call().limited:
                await self._judge(method, request)
            async with aclosing(serve(request, context)) as answers:
                async for answer in answers:
                    yield answer

        return guarded

    async def _judge(self, method: str, request: Any) -> None:  # noqa: ANN401 - whatever the method takes
        repeated = request_of(method.rpartition("/")[2], request, lambda _: request)  # only looked for, and not kept
        await refuse_replay_of(self._visible.store, repeated)
        await rule_for(method)(self._visible, scope_of_call(), request)
