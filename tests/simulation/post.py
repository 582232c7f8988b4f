"""What reaches the mail server and Slack, held against what is owed: at the moment that it is sent."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calguard_server.notifiers.message import Address, NoticeMessage
from tests.simulation.complaint import ComplaintError, demand, same
from tests.simulation.database import Database, Row
from tests.simulation.notice_rules import GROUP_WAIT, Notices
from tests.simulation.notice_truth import truth_of
from tests.simulation.owed import AGAIN, FAILED, MENDED, Attempt, Moment, Owed, about_link
from tests.simulation.people import People, address
from tests.simulation.plain import Slack

LOOKED_AT = timedelta(milliseconds=200)
"""How long before it is sent a message may have been looked at: what is true is read first, then put into words."""


@dataclass(frozen=True)
class Tried:
    """One message on its way: its rows of the ledger, and an attempt at each of them."""

    attempts: dict[str, Attempt]
    what: str


class Post:
    """Takes note of every attempt.

    `complaints` are what is wrong with one; a sender would swallow them. `over` are the notices that are known to be
    over since before the last step.
    """

    def __init__(self, notices: Notices, people: People, database: Database, note: Callable[[str], None]) -> None:
        self.complaints: list[ComplaintError] = []
        self.in_flight: dict[str, Attempt] = {}
        self.over: set[str] = set()
        self.alerts: dict[str, list[Attempt]] = {}
        self.sent: Counter[str] = Counter()
        self._notices = notices
        self._people = people
        self._database = database
        self._note = note

    def tried(self, channel: str, message: NoticeMessage, to: Address, now: datetime) -> Tried:
        """Somebody is about to be told something."""
        kind = message.kind.value
        rows = self._database.sending(message.recipient_id, channel, kind)
        pages = {page.id for page in message.pages}
        if kind in (FAILED, MENDED):
            pages = {about_link(fault.relink_url.rpartition("/")[2]) for fault in message.faults}
        rows = [row for row in rows if row.id not in self.in_flight and (row.key[0] in pages or row.for_operator)]
        try:
            demand(message.message_id in {row.id for row in rows}, f"{message.message_id} is claimed when it is sent")
            if message.alert is not None:
                rows = [row for row in rows if row.id == message.message_id]
                attempts = {message.message_id: self._alerted(rows[0], now)}
            else:
                attempts = self._told(rows, pages, message, to, channel, now)
        except ComplaintError as complaint:
            self.complaints.append(complaint)
            attempts = {row.id: Attempt(now) for row in rows}
        self.in_flight |= attempts
        about = " ".join(sorted(pages)) if message.alert is None else message.alert.reason
        return Tried(attempts, f"{channel} {kind} {message.recipient_id} {about}")

    def answered(self, tried: Tried, outcome: str, wait: timedelta, now: datetime) -> None:
        """The receiver answered, or what stands for its silence."""
        self.sent[outcome] += 1
        self._note(f"    {tried.what} -> {outcome}{f' wait {wait}' if wait else ''}")
        for row_id, attempt in tried.attempts.items():
            attempt.outcome, attempt.wait, attempt.ended = outcome, wait, now
            self.in_flight.pop(row_id, None)

    def server_ended(self, now: datetime) -> None:
        """The server ended without saving what came of what it was sending."""
        self.in_flight.clear()
        for row in self._database.rows():
            if row.state != "SENDING":
                continue
            owed = self._notices.late.found(row.key)
            attempts = self.alerts.get(row.id, []) if owed is None else owed.attempts
            answered = sum(attempt.outcome not in ("", "unknown") for attempt in attempts)
            if attempts and (not attempts[-1].outcome or answered > row.attempts):
                attempts[-1].outcome, attempts[-1].ended, attempts[-1].wait = "unknown", now, timedelta()
            elif owed is not None:
                owed.claim_lost = True

    def _told(
        self, rows: Sequence[Row], about: set[str], message: NoticeMessage, to: Address, channel: str, now: datetime
    ) -> dict[str, Attempt]:
        told = [self._owed(row) for row in rows]
        same(about, {owed.page for owed in told}, f"what {message.message_id} is about")
        for owed in told:
            self._is_due_again(owed, now)
            self._is_true(owed, now)
        self._waited(told, now)
        self._in_order(rows)
        self._all_that_waits(rows, told, to, channel, now)
        self._says_what_is(told, message, now)
        self._goes_where_it_should(told, message, to, now)
        most = max(len(owed.recent) for owed in told)
        attempts = {row.id: Attempt(now, group_attempts=most + 1) for row in rows}
        for row, owed in zip(rows, told, strict=True):
            owed.attempts.append(attempts[row.id])
        self.sent[f"message {message.kind.value}"] += 1
        self.sent[f"notices {message.kind.value}"] += len(told)
        return attempts

    def _owed(self, row: Row) -> Owed:
        owed = self._notices.late.found(row.key)
        demand(owed is not None, f"nobody owes {row.key}, and it is sent")
        assert owed is not None
        return owed

    def _is_due_again(self, owed: Owed, now: datetime) -> None:
        """Nothing is told twice, unless what came of the first time could not be known."""
        demand(not owed.discarded, f"{owed.key} is told at {now}, and it was discarded")
        if not owed.recent:
            return
        last = owed.recent[-1]
        demand(last.outcome in ("temporary", "doubtful", "unknown"), f"{owed.key} is told again after: {last.outcome}")
        assert last.ended is not None
        demand(now >= last.ended + last.wait, f"{owed.key} is tried at {now}, before what was asked to wait is over")

    def _is_true(self, owed: Owed, now: datetime) -> None:
        moments = list(self._notices.book.moments_between(owed.page, now - LOOKED_AT, now))
        true = truth_of(owed)
        demand(any(map(true, moments)), f"{owed.key} is told at {now}, and it is not true: {moments}")
        demand(not self._notices.book.never_free(owed, now - LOOKED_AT, now), f"{owed.key} is told, and silenced")
        demand(self._notices.book.may_be_told(owed, now - LOOKED_AT, now), f"{owed.key} is told, and not wanted")
        if owed.kind in (AGAIN, MENDED):
            demand(self._notices.book.told(owed), f"{owed.key} is told, and nobody told them of the stop")

    def _waited(self, told: Sequence[Owed], now: datetime) -> None:
        """A message goes out when one of its notices has waited for company, or was tried before."""
        due = any(owed.recent or owed.claim_lost or now >= owed.since + GROUP_WAIT for owed in told)
        demand(due, f"{[owed.key for owed in told]} are told at {now} already")

    def _in_order(self, rows: Sequence[Row]) -> None:
        """Later notices of an incident wait for the earlier ones."""
        ids = {row.id for row in rows}
        for row in rows:
            for other in self._database.open_for(row.key[3], row.key[4]):
                held = other.incident == row.incident and other.sequence < row.sequence and other.id not in ids
                demand(not held, f"{row.key} is told before {other.key}, which is {other.state}")

    def _all_that_waits(
        self, rows: Sequence[Row], told: Sequence[Owed], to: Address, channel: str, now: datetime
    ) -> None:
        """What waits for the same place goes with it."""
        ids = {row.id for row in rows}
        for row in self._database.open_for(rows[0].key[3], channel):
            if row.state != "PENDING" or row.key[2] != told[0].kind or row.created > now - LOOKED_AT:
                continue
            before = self._database.before(row)
            held = any(other.id not in ids and other.id not in self.over for other in before)
            alike = any(where == _plain(to) for where in self._addresses(self._owed(row), now))
            demand(held or not alike, f"{row.key} waits while {[owed.key for owed in told]} go to the same place")

    def _says_what_is(self, told: Sequence[Owed], message: NoticeMessage, now: datetime) -> None:
        moments = {
            owed.page: list(self._notices.book.moments_between(owed.page, now - LOOKED_AT, now)) for owed in told
        }
        if message.kind.value in (FAILED, MENDED):
            self._names_the_links(message, moments)
            return
        for page in message.pages:
            seen = [(each.view.accepting, each.view.title) for each in moments[page.id] if each.view is not None]
            demand((not page.stopped, page.title) in seen, f"{page} is told of, and it is {seen}")
        owns = {message.recipient_id in owners for owners in _owners(moments)}
        demand(
            message.is_owner in owns, f"{message.message_id} says that its recipient owns a page: {message.is_owner}"
        )
        self._names_the_faulty(told, message, moments)

    def _names_the_faulty(self, told: Sequence[Owed], message: NoticeMessage, moments: dict[str, list[Moment]]) -> None:
        """Each member is named that the notice is about, and is still faulty, with what is wrong; with an end, all."""
        said = {(fault.account_id, fault.reason.value) for fault in message.faults}
        ever: set[tuple[str, str]] = set()
        always: set[str] = set()
        for owed in told:
            seen = [moment.faulty for moment in moments[owed.page] if moment.view is not None]
            named = {name for each in seen for name in each} if owed.kind == AGAIN else owed.named
            ever |= {(name, each[name]) for name in named for each in seen if name in each}
            always |= {name for name in named if all(name in each for each in seen)}
        demand(said <= ever and always <= {name for name, _ in said}, f"{said} are named as faulty of {ever}")
        same(
            message.is_at_fault, message.recipient_id in {name for name, _ in said}, "whether the recipient is at fault"
        )

    def _names_the_links(self, message: NoticeMessage, moments: dict[str, list[Moment]]) -> None:
        """Each link is the recipient's own; one that fails is told of with what is wrong, a mended one by address."""
        same((message.is_owner, message.pages), (False, ()), f"the pages of {message.message_id}")
        for fault in message.faults:
            links = [each.link for each in moments[about_link(fault.relink_url.rpartition("/")[2])] if each.link]
            known = {(link.account, link.email, link.cause.reason if link.cause else "") for link in links}
            reason = fault.reason.value if message.kind.value == FAILED else ""
            said = (message.recipient_id, fault.provider_email)
            named = {each[:2] for each in known} if message.kind.value == MENDED else known
            demand((*said, reason)[: len(next(iter(named)))] in named, f"{fault} is told of, and the link is {known}")

    def _goes_where_it_should(self, told: Sequence[Owed], message: NoticeMessage, to: Address, now: datetime) -> None:
        people = self._people.between(message.recipient_id, now - LOOKED_AT, now)
        known = {(person.name, person.locale) for person in people if person is not None}
        demand((message.recipient_name, message.locale.value) in known, f"{message.recipient_name} is one of {known}")
        for owed in told:
            demand(_plain(to) in self._addresses(owed, now), f"{owed.key} goes to {to}")

    def _addresses(self, owed: Owed, now: datetime) -> set[tuple[str, Slack]]:
        people = self._people.between(owed.recipient, now - LOOKED_AT, now)
        moments = self._notices.book.moments_between(owed.page, now - LOOKED_AT, now)
        there = [moment for moment in moments if moment.view is not None or moment.link is not None]
        views = [moment.view for moment in there]
        return {address(person, view, owed.channel) for person in people if person is not None for view in views}

    def _alerted(self, row: Row, now: datetime) -> Attempt:
        alert_id = row.id
        waiting = [other.id for other in self._database.before(row) if other.open]
        demand(not waiting, f"the operator is told of {alert_id}, and {waiting} are to be told first")
        attempts = self.alerts.setdefault(alert_id, [])
        outcome = attempts[-1].outcome if attempts else "unknown"
        demand(outcome in ("temporary", "doubtful", "unknown"), f"the operator is told again of {alert_id}: {outcome}")
        attempts.append(Attempt(now))
        self.sent["message OPERATOR_ALERT"] += 1
        return attempts[-1]


def _owners(moments: dict[str, list[Moment]]) -> list[set[str]]:
    """Who owned the pages: with the pages as they stood first, and as they stood last."""
    views = [[moment.view for moment in each if moment.view is not None] for each in moments.values()]
    return [{each[index].owner for each in views if each} for index in (0, -1)]


def _plain(to: Address) -> tuple[str, Slack]:
    return to.email, Slack(to.slack.user_id, to.slack.channel_id)
