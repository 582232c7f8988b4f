"""What the callback page has to say: the outcomes, and what a language says of each."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt at linking ended, as far as the person needs to know."""

    CONNECTED = "CONNECTED"
    CHOOSE_CALENDARS = "CHOOSE_CALENDARS"
    BOX_NOT_TICKED = "BOX_NOT_TICKED"
    RECONNECT = "RECONNECT"
    WAIT = "WAIT"
    CONTACT_SUPPORT = "CONTACT_SUPPORT"
    DECLINED = "DECLINED"
    ADMIN_BLOCKED = "ADMIN_BLOCKED"
    USED = "USED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"
    INCOMPLETE = "INCOMPLETE"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    OTHER_ACCOUNT = "OTHER_ACCOUNT"
    LINKED_ALREADY = "LINKED_ALREADY"
    GONE = "GONE"
    OPERATOR_SIDE = "OPERATOR_SIDE"
    UNREACHABLE = "UNREACHABLE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Text:
    """What happened, in a title and a sentence or two, and what to do next."""

    title: str
    told: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Labels:
    """The words around the text."""

    next: str
    account: str
    support: str
