"""What the callback page has to say: the outcomes, and what a language says of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.engine.revoking import Revocation


class Outcome(StrEnum):
    """How an attempt at linking ended, as far as the person needs to know."""

    CONNECTED = "CONNECTED"
    CHOOSE_CALENDARS = "CHOOSE_CALENDARS"
    BOX_NOT_TICKED = "BOX_NOT_TICKED"
    ADD_BOX_NOT_TICKED = "ADD_BOX_NOT_TICKED"
    RECONNECT = "RECONNECT"
    WAIT = "WAIT"
    CONTACT_SUPPORT = "CONTACT_SUPPORT"
    DECLINED = "DECLINED"
    ADMIN_BLOCKED = "ADMIN_BLOCKED"
    CONSENT_FAILED = "CONSENT_FAILED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    UNKNOWN = "UNKNOWN"
    INCOMPLETE = "INCOMPLETE"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    GRANT_VOID = "GRANT_VOID"
    OTHER_ACCOUNT = "OTHER_ACCOUNT"
    LINKED_ALREADY = "LINKED_ALREADY"
    GONE = "GONE"
    OPERATOR_SIDE = "OPERATOR_SIDE"
    UNREACHABLE = "UNREACHABLE"
    UNAVAILABLE = "UNAVAILABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Told:
    """How an attempt ended, and what the page names besides.

    `account` is the Google account's address. `fault` is what is wrong with the link that was made, and `calendar` the
    one that it concerns; `unticked` are the boxes that were not ticked. `account_id` and `calendar_link_id` are what
    to begin again with, `grant` is what became of a permission that is of no use, `error_id` finds an error in the log.
    """

    outcome: Outcome
    account: str = ""
    fault: CauseReason | None = None
    calendar: str = ""
    unticked: tuple[Capability, ...] = ()
    account_id: str = ""
    calendar_link_id: str = ""
    grant: Revocation | None = None
    error_id: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """What happened, in a title and a sentence or two, and what to do next."""

    title: str
    told: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The words around the text."""

    next: str
    account: str
    calendar: str
    unticked: str
    again: str
    choose: str
    withdrawn: str
    not_withdrawn: str
    support: str
    error_id: str


@dataclass(frozen=True, slots=True)
class Words:
    """All that a language says; `boxes` names the checkboxes of Google's page."""

    texts: Mapping[Outcome, Text]
    labels: Labels
    boxes: Mapping[Capability, str]
