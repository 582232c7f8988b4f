"""Checks of what callers send: every field that is wrong is named, by its path as the caller writes it.

A `Checker` collects; nothing is done with a request before `refuse` has let it pass. Each check answers the value as
the domain has it, or a stand-in where it is wrong.
"""

import base64
import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from calguard_server.domain.account import Locale, is_slack_id
from calguard_server.domain.errors import FieldViolation, InvalidArgumentError
from calguard_server.grpc_api.characters import is_one_line, is_seen
from calguard_server.grpc_api.enums import D, EnumMap

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ID_EXPECTED = f"expected an id: ^{ID.pattern}$"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}(?:\.{_LABEL})+|localhost)")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")  # RFC 3986, but for "#"

_WEBHOOK_KEY_BYTES = range(24, 65)
_EPOCH, _YEAR_9999 = datetime(1970, 1, 1, tzinfo=UTC), 253_370_764_800
_NONE: frozenset[Any] = frozenset()  # shared: each would take 200 bytes of every watch

NAME_MAX = 200
EMAIL_MAX = 254
URL_MAX = 2_000
CALENDAR_ID_MAX = 320
ETAG_MAX = 100
CHOICES_MAX = 100


class Checker:
    """Collects what is wrong with one request."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def refuse(self) -> None:
        """Raise InvalidArgumentError where anything was found wrong."""
        if self._violations:
            raise InvalidArgumentError.of_fields(*self._violations)

    def expect(self, held: bool, field: str, expected: str) -> bool:  # noqa: FBT001 - what was found, not a flag
        """Note a field as wrong unless something held; answers whether it did."""
        if not held:
            self._violations.append(FieldViolation(field, expected))
        return held

    def id(self, field: str, value: str) -> str:
        """Check an id that must be given."""
        self.expect(ID.fullmatch(value) is not None, field, _ID_EXPECTED)
        return value

    def optional_id(self, field: str, value: str) -> str:
        """Check an id that may be left out."""
        return self.id(field, value) if value else ""

    def ids(self, field: str, values: Sequence[str], at_most: int) -> frozenset[str]:
        """Check ids that narrow a search; one that is named twice is named once."""
        if self.at_most(field, values, at_most):
            for index, value in enumerate(values):
                self.id(f"{field}[{index}]", value)
        return frozenset(values) or _NONE

    def at_most(self, field: str, values: Collection[object], count: int) -> bool:
        """Check how many there are; answers whether that is all right."""
        return self.expect(len(values) <= count, field, f"expected at most {count}")

    def unique(self, field: str, values: Iterable[str], part: str = "") -> None:
        """Check that none is named twice; `part` is the field of each that is meant, such as `.account_id`."""
        seen: set[str] = set()
        for index, value in enumerate(values):
            self.expect(value not in seen, f"{field}[{index}]{part}", "expected each only once")
            seen.add(value)

    def text(self, field: str, value: str, at_most: int, at_least: int = 0) -> str:
        """Check a text of one line by its characters; what is not empty has one that is seen."""
        sized = at_least <= len(value) <= at_most and (not value or is_seen(value))
        least = f"{at_least} to" if at_least else "at most"
        self.expect(
            sized and is_one_line(value),
            field,
            f"expected {least} {at_most} characters, one that is seen among them, without line breaks, control "
            "characters or any that turn the direction of writing",
        )
        return value

    def name(self, field: str, value: str) -> str:
        """Check a name that people are shown."""
        return self.text(field, value, NAME_MAX, at_least=1)

    def email(self, field: str, value: str) -> str:
        """Check an e-mail address, or nothing. Only its form: no question is asked of anybody."""
        right = not value or (len(value) <= EMAIL_MAX and _EMAIL.fullmatch(value) is not None)
        self.expect(right, field, f"expected one e-mail address of at most {EMAIL_MAX} characters: name@example.com")
        return value

    def slack_id(self, field: str, value: str) -> str:
        """Check an id that Slack made, or nothing. A name (`@ann`, `#general`) would be found out by a notice only."""
        right = not value or is_slack_id(value)
        self.expect(right, field, "expected an id as Slack makes them, such as U024BE7LH or C024BE91L, and no name")
        return value

    def locale(self, field: str, value: str) -> Locale:
        """Check a language; English where none is given."""
        known = {locale.value: locale for locale in Locale}
        self.expect(value == "" or value in known, field, 'expected "en" or "ja"')
        return known.get(value, Locale.ENGLISH)

    def enum(self, field: str, number: int, enum: EnumMap[D, Any], default: D | None = None) -> D | None:
        """Check a choice; where it is not made it is the default, if there is one."""
        if number == 0 and default is not None:
            return default
        self.expect(number in enum.to_domain, field, f"expected one of {', '.join(enum.names)}")
        return enum.to_domain.get(number)

    def enums(self, field: str, numbers: Sequence[int], enum: EnumMap[D, Any]) -> frozenset[D]:
        """Check choices that narrow a search."""
        if not self.at_most(field, numbers, CHOICES_MAX):
            return _NONE
        chosen = (self.enum(f"{field}[{index}]", number, enum) for index, number in enumerate(numbers))
        return frozenset(each for each in chosen if each is not None) or _NONE

    def mask(self, field: str, paths: Sequence[str], allowed: Collection[str]) -> tuple[str, ...]:
        """Check a field mask; answers the fields it takes, in the contract's order."""
        expected = f"expected some of {', '.join(allowed)}; or * for all of them"
        right = bool(paths) and all(path == "*" or path in allowed for path in paths)
        self.expect(right, field, expected)
        return tuple(each for each in allowed if "*" in paths or each in paths)

    def request_id(self, value: str) -> None:
        """Check the id of a call that may be repeated."""
        self.expect(not value or _UUID4.fullmatch(value) is not None, "request_id", "expected a UUID of version 4")

    def etag(self, field: str, value: str) -> str:
        """Check the form of an etag; whether it is the right one is found later."""
        return self.text(field, value, ETAG_MAX)

    def page_size(self, value: int) -> None:
        """Check how many a caller wants."""
        self.expect(value >= 0, "page_size", "expected 0 (which means 50) or more")

    def time(self, field: str, value: Timestamp) -> datetime:
        """Check a time that must be given, whose parts may be any number at all on the wire; to the microsecond."""
        right = 0 < value.seconds < _YEAR_9999 and 0 <= value.nanos < 1_000_000_000
        self.expect(right, field, "expected a time")
        seconds, micros = (value.seconds, value.nanos // 1_000) if right else (0, 0)
        return _EPOCH + timedelta(seconds=seconds, microseconds=micros)

    def redirect_uri(self, field: str, value: str) -> str:
        """Check where the consent page may send a person back to, or nothing."""
        expected = f"expected an https address, or http on a loopback host, at most {URL_MAX} characters, no fragment"
        self.expect(not value or _is_outside_url(value), field, expected)
        return value

    def https_url(self, field: str, value: str) -> str:
        """Check where webhooks go, or nothing. Only its form: where the host leads is found when one is sent."""
        expected = f"expected an https URL of at most {URL_MAX} characters, without user, password and fragment"
        self.expect(not value or (value.startswith("https:") and _is_outside_url(value)), field, expected)
        return value

    def webhook_secret(self, field: str, value: str) -> str:
        """Check the form of a secret that signs webhooks, or nothing. What is expected never repeats it."""
        expected = "expected whsec_ and 24 to 64 random bytes in base64"
        self.expect(not value or _is_webhook_secret(value), field, expected)
        return value

    def interval(self, field: str, value: Duration, least: int, most: int) -> timedelta:
        """Check a duration, whose parts may be any number at all on the wire."""
        nanos = value.seconds * 1_000_000_000 + value.nanos
        right = 0 <= value.nanos < 1_000_000_000 and least * 1_000_000_000 <= nanos <= most * 1_000_000_000
        self.expect(right, field, f"expected {least} to {most} s")
        return timedelta(microseconds=nanos // 1_000) if right else timedelta(seconds=least)


def require_id(field: str, value: str) -> str:
    """Check the id of a request that has nothing else. Raises InvalidArgumentError."""
    if ID.fullmatch(value) is None:
        raise InvalidArgumentError.of_fields(FieldViolation(field, _ID_EXPECTED))
    return value


def _is_webhook_secret(value: str) -> bool:
    prefix, _, encoded = value.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return prefix == "whsec" and len(key) in _WEBHOOK_KEY_BYTES


def _is_outside_url(value: str) -> bool:
    if len(value) > URL_MAX or _URL_CHARACTERS.fullmatch(value) is None:
        return False
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:  # brackets that are no IPv6 address, a port that is no number
        return False
    if not host or port == 0 or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _LOOPBACK.fullmatch(host) is not None)
