"""The JSON body of a control call."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.fields import Fields


async def json_body(request: web.Request) -> Mapping[str, Any]:
    """The body, an object; no body is an empty one."""
    if not await request.read():
        return {}
    try:
        body = await request.json()
    except ValueError as error:
        raise BadFieldError("body", "must be JSON") from error
    if not isinstance(body, dict):
        raise BadFieldError("body", "must be a JSON object")
    return body


async def fields_of(request: web.Request, *allowed: str) -> Fields:
    """The body's fields, none but those allowed."""
    return Fields(await json_body(request), frozenset(allowed))


def done(**more: object) -> web.Response:
    """The answer of an act."""
    return web.json_response({"done": True, **more})
