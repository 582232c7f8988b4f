"""Making a rule of what a caller asks for.

`{"match": {"surface", "endpoint", "user", "calendar_id" | "channel"}, "respond", "times", "after"}`: `respond` is
a name of the catalogue, `{"status", "headers", "body"}` for HTTP, or `{"code", "text"}` for SMTP.
"""

from collections.abc import Mapping
from typing import Any

from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.faults.answers import Answer, Hold, HttpReply, SmtpReply
from calguard_sandbox.faults.catalogue import CATALOGUE, CatalogueEntry
from calguard_sandbox.faults.rules import FaultBook, Match, Rule
from calguard_sandbox.fields import Fields

SURFACES = ("google", "slack", "smtp")
_RULE = frozenset({"match", "respond", "times", "after"})
_MATCH = frozenset({"surface", "endpoint", "user", "calendar_id", "channel"})
_HTTP = frozenset({"status", "headers", "body"})
_SMTP = frozenset({"code", "text"})


def place(book: FaultBook, asked: Mapping[str, Any]) -> Rule:
    """Put the rule asked for in force. Raises BadFieldError that names the field at fault."""
    fields = Fields(asked, _RULE)
    respond = asked.get("respond")
    entry = _named(respond) if isinstance(respond, str) else _raw(respond)
    return book.add(
        _match(asked.get("match", {}), entry),
        entry.answer,
        name=respond if isinstance(respond, str) else "raw",
        times=fields.integer("times", None, least=1),
        after=fields.integer("after", 0) or 0,
    )


def _named(name: str) -> CatalogueEntry:
    if name not in CATALOGUE:
        raise BadFieldError("respond", f"no fault {name!r}; GET /faults/catalogue lists them")
    return CATALOGUE[name]


def _raw(respond: object) -> CatalogueEntry:
    if not isinstance(respond, dict):
        raise BadFieldError("respond", "must be a name of the catalogue, {status, headers, body} or {code, text}")
    if "code" in respond:
        return CatalogueEntry("smtp", None, _smtp_reply(Fields(respond, _SMTP, "respond.")))
    return CatalogueEntry(None, None, _http_reply(Fields(respond, _HTTP, "respond.")))


def _smtp_reply(fields: Fields) -> Answer:
    code = fields.integer("code", None, least=400)
    if code is None or code > 599:
        raise fields.wrong("code", "must be an SMTP error from 400 to 599")
    text = fields.optional_text("text") or "refused by the sandbox"
    if not text.isprintable():
        raise fields.wrong("text", "must be one printable line")
    return SmtpReply(code, text)


def _http_reply(fields: Fields) -> Answer:
    status = fields.integer("status", None, least=200)
    if status is None or status > 599:
        raise fields.wrong("status", "must be an HTTP status from 200 to 599")
    headers = fields.raw("headers") or {}
    if not isinstance(headers, dict) or not all(_is_header_value(value) for value in headers.values()):
        raise fields.wrong("headers", "must be an object of one-line texts")
    body = fields.raw("body")
    return HttpReply(status, "" if body is None else body, headers)


def _is_header_value(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _match(asked: object, entry: CatalogueEntry) -> Match:
    if not isinstance(asked, dict):
        raise BadFieldError("match", "must be an object")
    fields = Fields(asked, _MATCH, "match.")
    surface = fields.optional_text("surface") or entry.surface
    if surface not in SURFACES or (entry.surface or surface) != surface:
        raise fields.wrong("surface", f"must be {entry.surface or 'one of ' + ', '.join(SURFACES)}")
    if isinstance(entry.answer, HttpReply) and surface == "smtp":
        raise fields.wrong("surface", "smtp answers with {code, text}")
    if isinstance(entry.answer, Hold) and surface == "smtp":
        raise fields.wrong("surface", "must be google or slack: what is held is HTTP")
    return Match(
        surface=surface,
        endpoint=fields.optional_text("endpoint") or entry.endpoint,
        user=fields.optional_text("user"),
        target=fields.optional_text("calendar_id") or fields.optional_text("channel"),
    )
