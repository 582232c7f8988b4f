"""What is asked of Google, what can come back, and what that can mean: the words that `classify` is written in."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from calguard_server.domain.causes import Capability, Finding
from calguard_server.domain.intervals import Interval


class Endpoint(StrEnum):
    """What was called."""

    EXCHANGE = "EXCHANGE"  # the token endpoint, with an authorization code
    REFRESH = "REFRESH"  # the token endpoint, with a refresh token
    REVOKE = "REVOKE"
    CERTIFICATES = "CERTIFICATES"
    LIST_CALENDARS = "LIST_CALENDARS"
    GET_CALENDAR = "GET_CALENDAR"  # one entry of the calendar list
    FREE_BUSY = "FREE_BUSY"
    LIST_EVENTS = "LIST_EVENTS"
    GET_EVENT = "GET_EVENT"
    INSERT_EVENT = "INSERT_EVENT"  # always with an event id of our own
    DELETE_EVENT = "DELETE_EVENT"


class Call(Struct, frozen=True):
    """One call: the calendars it is about, and what the link uses those for."""

    endpoint: Endpoint
    calendar_ids: tuple[str, ...] = ()
    purpose: Capability = Capability.LIST


class Answer(Struct, frozen=True):
    """An HTTP answer. The body is left out of the representation: a token may be in it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Answer a header's value, whatever the case of its name; empty where there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.body)} bytes)"


class TransportFailure(StrEnum):
    """Why there is no HTTP answer."""

    TIMED_OUT = "TIMED_OUT"
    NAME_NOT_RESOLVED = "NAME_NOT_RESOLVED"
    TLS_FAILED = "TLS_FAILED"
    NOT_CONNECTED = "NOT_CONNECTED"
    CUT_SHORT = "CUT_SHORT"  # dropped before or within the answer
    NOT_HTTP = "NOT_HTTP"
    TOO_LARGE = "TOO_LARGE"  # an answer past `GoogleOptions.answer_limit`


class Outcome(StrEnum):
    """What came of a call."""

    DONE = "DONE"  # as asked, or it was so already
    PARTIAL = "PARTIAL"  # answered, but not for the calendars that the findings name
    FAULT = "FAULT"  # not done; the one finding says why
    ID_TAKEN = "ID_TAKEN"  # there is, or was, an event of that id: an earlier try may have arrived
    SPLIT = "SPLIT"  # too much was asked at once: ask for fewer calendars
    RESYNC = "RESYNC"  # what was synchronised so far is void: begin again
    RENEW_TOKEN = "RENEW_TOKEN"  # noqa: S105 - the access token is not accepted; refreshing it tells why
    CODE_REFUSED = "CODE_REFUSED"


class Verdict(Struct, frozen=True):
    """What a call's answer means. DONE, ID_TAKEN, SPLIT, RESYNC, RENEW_TOKEN and CODE_REFUSED carry no findings.

    `busy` is, of FREE_BUSY, the busy time of the calendars that it could be read of.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    busy: Mapping[str, tuple[Interval, ...]] = {}


DONE = Verdict(Outcome.DONE)
