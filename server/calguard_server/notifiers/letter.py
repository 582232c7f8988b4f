"""A message in words: what is said, in one language, before a channel lays it out.

1. Every text here is plain and on one line: names and titles are cleaned and cut, and nothing is escaped yet.
2. Whoever is at fault is told what to do; whoever is not, is told whom to ask. Both get the address to do it at.
3. What is wrong is said as the catalogue of words has it, which never claims to know more than the answer showed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from calguard_server.domain.causes import RULES, CauseReason, NextAction
from calguard_server.domain.notices import NoticeKind
from calguard_server.notifiers.cleaning import EMAIL_MAX, NAME_MAX, TITLE_MAX, one_line
from calguard_server.notifiers.message import (
    AlertTopic,
    AppointmentFact,
    FaultFact,
    NoticeMessage,
    OperatorAlert,
    PageFact,
)
from calguard_server.notifiers.times import moment, period
from calguard_server.notifiers.wording import WORDINGS
from calguard_server.notifiers.wording.catalogue import KindWording, Wording

_NOTHING_FAILS = (NoticeKind.PAGE_RESTARTED, NoticeKind.LINK_RECOVERED, NoticeKind.APPOINTMENT_CONFLICT)
"""What tells of no calendar that fails, but for those that it names."""
DETAIL_MAX = 300
APPOINTMENTS_MAX = 10
"""How many appointments are listed at most: each has an address of its own."""
CONFLICTS_MAX = 3
"""How many times at which something is in an appointment's way are listed at most."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A heading with its lines; `left_out` counts what `shortened` cut, and `more` says so."""

    heading: str
    lines: tuple[str, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An address, and what is found there."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """One calendar that fails: whose, what is wrong, what to do. `own` is the recipient's own."""

    heading: str
    facts: tuple[tuple[str, str], ...]
    checkboxes: str
    link: Link | None
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """All that a message says, in the order in which it is shown."""

    language: str
    colon: str
    subject: str
    greeting: str
    opening: str
    assurances: tuple[str, ...]
    listings: tuple[Listing, ...]
    facts: tuple[tuple[str, str], ...]
    cards_heading: str
    cards: tuple[Card, ...]
    cards_more: str
    closing: str
    support_lead: str
    support: Link | None
    why: str
    unsubscribe: Link | None


def compose(message: NoticeMessage, *, lines_max: int, cards_max: int) -> Letter:
    """Put a message into words; longer lists are cut, and say how much is left out."""
    words = WORDINGS[message.locale]
    kind = _kind_words(message, words)
    name = one_line(message.recipient_name, NAME_MAX)
    appointments = (
        _shortened(each, min(lines_max, APPOINTMENTS_MAX), words) for each in _appointment_listings(message, words)
    )
    listings = (*appointments, *(_shortened(each, lines_max, words) for each in _page_listings(message, words)))
    faults = () if message.kind is NoticeKind.LINK_RECOVERED else message.faults
    return Letter(
        language=message.locale.value,
        colon=words.labels.colon,
        subject=_subject(message, kind.subject, words),
        greeting=words.labels.greeting.format(name=name) if name else words.labels.greeting_nobody,
        opening=_opening(message, words),
        assurances=_assurances(message, words),
        listings=tuple(listing for listing in listings if listing.lines),
        facts=(*_alert_facts(message.alert, words), *_mended(message, words)),
        cards_heading=words.labels.still_faulty if message.kind.ends_incident else words.labels.faults,
        cards=tuple(_card(fault, message, words) for fault in faults[:cards_max]),
        cards_more=_more(len(faults) - cards_max, words),
        closing=kind.closing,
        support_lead=words.sentences.support
        if faults or message.kind not in _NOTHING_FAILS
        else words.sentences.questions,
        support=_support(message, words),
        why=_why(message, words),
        unsubscribe=Link(words.labels.unsubscribe, message.unsubscribe_url) if message.unsubscribe_url else None,
    )


def _support(message: NoticeMessage, words: Wording) -> Link | None:
    """Answer the support address; the operator is who supports."""
    if not message.support_url or message.alert is not None:
        return None
    return Link(words.labels.support, message.support_url)


def _subject(message: NoticeMessage, start: str, words: Wording) -> str:
    if message.alert is not None:
        over = message.alert.topic is AlertTopic.INCIDENT_OVER
        return f"{words.labels.over if over else start}{words.labels.colon}{one_line(message.alert.reason, TITLE_MAX)}"
    if not message.pages:
        return start
    others = f" {_more(len(message.pages) - 1, words)}" if len(message.pages) > 1 else ""
    return f"{start}{words.labels.colon}{one_line(message.pages[0].title, TITLE_MAX)}{others}"


def _opening(message: NoticeMessage, words: Wording) -> str:
    if message.alert is not None:
        return words.alerts[message.alert.topic]
    kind = _kind_words(message, words)
    of_appointments = message.kind in (NoticeKind.ASSIGNED_TO_FAULTY, NoticeKind.APPOINTMENT_CONFLICT)
    told = (
        len(message.appointments) if of_appointments else len(message.faults if message.kind.of_link else message.pages)
    )
    return kind.opening_many if told > 1 else kind.opening_one


def _kind_words(message: NoticeMessage, words: Wording) -> KindWording:
    """Answer what a kind says; whose own the appointments are is not told to ask somebody else."""
    of_others = any(each.account_id != message.recipient_id for each in message.appointments)
    own = words.own_appointments if message.appointments and not of_others else {}
    return own.get(message.kind, words.kinds[message.kind])


def _assurances(message: NoticeMessage, words: Wording) -> tuple[str, ...]:
    match message.kind:
        case (
            NoticeKind.OPERATOR_ALERT
            | NoticeKind.PAGE_RESTARTED
            | NoticeKind.LINK_FAILED
            | NoticeKind.LINK_RECOVERED
            | NoticeKind.APPOINTMENT_CONFLICT
        ):
            return ()
        case NoticeKind.PAGE_STOPPED | NoticeKind.MEMBER_FAULTY | NoticeKind.REMINDER | NoticeKind.ASSIGNED_TO_FAULTY:
            stopped = any(page.stopped for page in message.pages)
            untouched = words.sentences.untouched
            return (untouched,) if stopped else (words.sentences.no_page_stopped, untouched)
        case _:
            assert_never(message.kind)


def _page_listings(message: NoticeMessage, words: Wording) -> tuple[Listing, ...]:
    stopped = tuple(_page_line(page, words) for page in message.pages if page.stopped)
    going = tuple(_page_line(page, words) for page in message.pages if not page.stopped)
    stopped_listing = Listing(words.labels.stopped_pages, stopped)
    if message.kind is NoticeKind.PAGE_RESTARTED:
        return Listing(words.labels.accepting_pages, going), stopped_listing
    return stopped_listing, Listing(words.labels.other_pages, going)


def _page_line(page: PageFact, words: Wording) -> str:
    title = one_line(page.title, TITLE_MAX) or page.id
    mode = words.modes[page.scheduling_mode]
    if page.stopped and page.stopped_since is not None:
        since = moment(page.stopped_since, words.labels.date)
        return words.labels.page_since.format(title=title, mode=mode, since=since)
    return words.labels.page.format(title=title, mode=mode)


def _appointment_listings(message: NoticeMessage, words: Wording) -> tuple[Listing, ...]:
    lines = tuple(_appointment_line(each, words) for each in message.appointments)
    return (Listing(words.labels.appointments, lines),)


def _appointment_line(appointment: AppointmentFact, words: Wording) -> str:
    line = words.labels.appointment.format(
        title=one_line(appointment.title, TITLE_MAX) or appointment.id,
        time=period(appointment.start_time, appointment.end_time, words.labels.date),
        name=one_line(appointment.account_name, NAME_MAX) or appointment.account_id,
    )
    line = _with_conflicts(line, appointment, words)
    return words.labels.reassign.format(line=line, url=appointment.url) if appointment.url else line


def _with_conflicts(line: str, appointment: AppointmentFact, words: Wording) -> str:
    """Say at which times something is in the way, and nothing of what that is."""
    times = [period(start, end, words.labels.date) for start, end in appointment.conflicts[:CONFLICTS_MAX]]
    if not times:
        return line
    more = _more(len(appointment.conflicts) - CONFLICTS_MAX, words)
    listed = words.labels.comma.join([*times, more] if more else times)
    return words.labels.in_the_way.format(line=line, times=listed)


def _shortened(listing: Listing, lines_max: int, words: Wording) -> Listing:
    left_out = len(listing.lines) - lines_max
    return Listing(listing.heading, listing.lines[:lines_max], _more(left_out, words))


def _more(count: int, words: Wording) -> str:
    return words.labels.more.format(count=count) if count > 0 else ""


def _alert_facts(alert: OperatorAlert | None, words: Wording) -> tuple[tuple[str, str], ...]:
    if alert is None:
        return ()
    labels = words.labels
    known = alert.reason in CauseReason.__members__
    facts = (
        (labels.reason, one_line(alert.reason, DETAIL_MAX)),
        (labels.problem, words.reasons[CauseReason(alert.reason)].problem if known else ""),
        (labels.count, str(alert.count)),
        (labels.since, moment(alert.since, labels.date)),
        (labels.detail, one_line(alert.detail, DETAIL_MAX)),
    )
    return tuple(fact for fact in facts if fact[1])


def _mended(message: NoticeMessage, words: Wording) -> tuple[tuple[str, str], ...]:
    """Name the Google accounts whose calendars can be read again."""
    if message.kind is not NoticeKind.LINK_RECOVERED:
        return ()
    emails = (one_line(fault.provider_email, EMAIL_MAX) or words.labels.email_unknown for fault in message.faults)
    return tuple((words.labels.google_account, email) for email in emails)


def _card(fault: FaultFact, message: NoticeMessage, words: Wording) -> Card:
    labels = words.labels
    own = is_own(fault, message)
    name = one_line(fault.account_name, NAME_MAX) or fault.account_id
    email = one_line(fault.provider_email, EMAIL_MAX) or labels.email_unknown
    calendar = one_line(fault.calendar_name, TITLE_MAX) or one_line(fault.calendar_id, TITLE_MAX)
    reachable = bool(fault.relink_url) and not fault.operator_side
    checkboxes = (labels.checkboxes_own if own else labels.checkboxes_other).format(name=name)
    return Card(
        heading=(labels.own_account if own else labels.other_account).format(name=name, email=email),
        facts=(
            (labels.calendar, calendar or labels.whole_account),
            (labels.problem, problem_of(fault, words)),
            (labels.remedy, remedy_of(fault, message, words)),
        ),
        checkboxes=checkboxes if reachable else "",
        link=Link(_link_label(fault.reason, words), fault.relink_url) if reachable else None,
        own=own,
    )


def is_own(fault: FaultFact, message: NoticeMessage) -> bool:
    """Whether a fault is the recipient's own."""
    return bool(message.recipient_id) and fault.account_id == message.recipient_id


def remedy_of(fault: FaultFact, message: NoticeMessage, words: Wording) -> str:
    """Say what the recipient does about a fault: mend it, or ask whose it is."""
    reason = words.reasons[fault.reason]
    name = one_line(fault.account_name, NAME_MAX) or fault.account_id
    return (reason.own if is_own(fault, message) else reason.other).format(name=name)


def problem_of(fault: FaultFact, words: Wording) -> str:
    """Say what is wrong."""
    sentences: Sequence[str] = [words.reasons[fault.reason].problem]
    if fault.reason is CauseReason.SCOPE_MISSING and fault.capability is not None:
        missing = words.labels.missing.format(capability=words.capabilities[fault.capability])
        sentences = [*sentences, missing]
    return words.labels.gap.join(sentences)


def _link_label(reason: CauseReason, words: Wording) -> str:
    selects = RULES[reason].next_action is NextAction.SELECT_CALENDARS
    return words.labels.check_link if selects else words.labels.reconnect


def _why(message: NoticeMessage, words: Wording) -> str:
    sentences = words.sentences
    if message.kind.of_link:
        return sentences.why_link
    match (message.is_owner, message.is_at_fault):
        case (True, True):
            return sentences.why_both
        case (True, False):
            return sentences.why_owner
        case (False, True):
            return sentences.why_at_fault
        case _:
            return sentences.why_told if message.kind.ends_incident else ""
