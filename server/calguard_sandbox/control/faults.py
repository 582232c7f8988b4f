"""Rules over HTTP."""

from typing import Any

from aiohttp import web

from calguard_sandbox.control.bodies import done, json_body
from calguard_sandbox.errors import NotKnownError
from calguard_sandbox.faults.catalogue import CATALOGUE
from calguard_sandbox.faults.placing import place
from calguard_sandbox.faults.rules import FaultBook, Rule


class FaultRoutes:
    """/faults."""

    def __init__(self, book: FaultBook) -> None:
        self._book = book

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/faults", self._list),
            web.post("/faults", self._add),
            web.delete("/faults", self._clear),
            web.get("/faults/catalogue", self._catalogue),
            web.delete("/faults/{id}", self._remove),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": [rule_json(rule) for rule in self._book.rules]})

    async def _add(self, request: web.Request) -> web.Response:
        return web.json_response(rule_json(place(self._book, await json_body(request))), status=201)

    async def _clear(self, _request: web.Request) -> web.Response:
        self._book.clear()
        return done()

    async def _remove(self, request: web.Request) -> web.Response:
        text = request.match_info["id"]
        if not text.isdecimal():
            raise NotKnownError("rule", text)
        self._book.remove(int(text))
        return done()

    async def _catalogue(self, _request: web.Request) -> web.Response:
        entries = [
            {"name": name, "surface": entry.surface, "endpoint": entry.endpoint} for name, entry in CATALOGUE.items()
        ]
        return web.json_response({"faults": entries})


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule as the control API shows it; `struck` counts the calls it answered."""
    match = rule.match
    return {
        "id": rule.id,
        "match": {
            "surface": match.surface,
            "endpoint": match.endpoint,
            "user": match.user,
            "target": match.target,
        },
        "respond": rule.name,
        "times": rule.times,
        "after": rule.after,
        "struck": rule.struck,
    }
