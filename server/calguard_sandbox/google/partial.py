"""Partial answers: the `fields` parameter, which every method of the Calendar API takes.

The grammar is `a,b/c,d(e,f/g)`; `*` is every field. What is named and not there is left out, as by Google; that Google
also refuses names which no answer of the method can have is not imitated.
"""

import re
from typing import Any

from aiohttp import web

from calguard_sandbox.google.errors import ApiError, bad_request

Mask = dict[str, "Mask"]
"""The fields wanted, each with those wanted within it; an empty mask is all of it."""

_TOKEN = re.compile(r"[A-Za-z0-9_*]+|[,/()]")


def partial_answer(request: web.Request, body: dict[str, Any]) -> web.Response:
    """A success, cut to the fields asked for. Raises ApiError 400 for a `fields` that cannot be read."""
    fields = request.query.get("fields")
    return web.json_response(select(body, read_mask(fields)) if fields else body)


def select(value: Any, mask: Mask) -> Any:  # noqa: ANN401 - any JSON value
    """The value cut to the mask; of a list, each item."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: select(value[name], within) for name, within in mask.items() if name in value}


def read_mask(fields: str) -> Mask:
    """Read a `fields` parameter."""
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != fields:
        raise _invalid(fields)
    tokens.append("")
    mask = _read_list(tokens, fields)
    if tokens != [""]:
        raise _invalid(fields)
    return mask


def _read_list(tokens: list[str], fields: str) -> Mask:
    mask: Mask = {}
    while True:
        name = tokens.pop(0)
        if name in {"", ",", "/", "(", ")"}:
            raise _invalid(fields)
        mask[name] = _read_within(tokens, fields)
        if tokens[0] != ",":
            return mask
        tokens.pop(0)


def _read_within(tokens: list[str], fields: str) -> Mask:
    if tokens[0] == "/":
        name = tokens[1]
        del tokens[:2]
        if not name or name in ",/()":
            raise _invalid(fields)
        return {name: _read_within(tokens, fields)}
    if tokens[0] != "(":
        return {}
    tokens.pop(0)
    mask = _read_list(tokens, fields)
    if tokens.pop(0) != ")":
        raise _invalid(fields)
    return mask


def _invalid(fields: str) -> ApiError:
    return bad_request("invalidParameter", f"Invalid field selection {fields}")
