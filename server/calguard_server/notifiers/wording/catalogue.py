"""What a language has to say: the shape of its catalogue.

Texts are plain, without markup; words in braces are filled in, and escaped by whoever lays the text out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from calguard_server.domain.causes import Capability, CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import AlertTopic


@dataclass(frozen=True, slots=True)
class KindWording:
    """What a kind of notice says: its subject, and its first sentences for one page, or link, and for several."""

    subject: str
    opening_one: str
    opening_many: str
    closing: str = ""


@dataclass(frozen=True, slots=True)
class ReasonWording:
    """What is wrong, as far as the provider's answer shows; what its person does; what another asks of `{name}`."""

    problem: str
    own: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Headings and short texts."""

    colon: str  # between a label and its text
    gap: str  # between two sentences
    over: str  # begins the subject of an alert's end
    greeting: str  # {name}
    greeting_nobody: str
    stopped_pages: str
    accepting_pages: str
    other_pages: str
    appointments: str
    appointment: str  # {title} {time} {name}
    in_the_way: str  # {line} {times}
    comma: str  # between two times
    reassign: str  # {line} {url}
    faults: str
    still_faulty: str  # of a page that accepts bookings all the same
    more: str  # {count}
    page: str  # {title} {mode}
    page_since: str  # {title} {mode} {since}
    own_account: str  # {name} {email}
    other_account: str  # {name} {email}
    email_unknown: str
    google_account: str
    calendar: str
    whole_account: str
    problem: str
    remedy: str
    missing: str  # {capability}
    reconnect: str
    check_link: str
    checkboxes_own: str
    checkboxes_other: str  # {name}
    support: str
    unsubscribe: str
    reason: str
    count: str
    since: str
    detail: str
    date: str  # {year} {month} {day} {time} {zone}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Sentences that several kinds share."""

    untouched: str
    no_page_stopped: str
    support: str
    questions: str  # in place of `support`, where nothing is wrong any more
    why_both: str
    why_owner: str
    why_at_fault: str
    why_link: str
    why_told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """All texts of one language."""

    labels: Labels
    sentences: Sentences
    kinds: Mapping[NoticeKind, KindWording]
    own_appointments: Mapping[NoticeKind, KindWording]  # in place of `kinds`, where all are the recipient's own
    alerts: Mapping[AlertTopic, str]
    reasons: Mapping[CauseReason, ReasonWording]
    capabilities: Mapping[Capability, str]
    modes: Mapping[SchedulingMode, str]
