"""What docs/rules.md says of notices, said once more: incidents, and who is owed what when something changes."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.simulation.late_notices import LateNotices
from tests.simulation.notice_book import NoticeBook
from tests.simulation.owed import AGAIN, ANOTHER, FAILED, MENDED, STOPPED, Moment, Occasion, about_link
from tests.simulation.people import People
from tests.simulation.plain import LinkView, PageView

GROUP_WAIT = timedelta(seconds=5)


class Notices:
    """Follows pages and links. `before_an_end` is called before an incident ends: to find what it owed by then."""

    def __init__(self, people: People) -> None:
        self.book = NoticeBook(people)
        self.late = LateNotices(self.book)
        self.before_an_end: Callable[[], None] = lambda: None
        self._people = people

    def link_before(self, link_id: str) -> LinkView | None:
        """A link as it was told last; None where there is none."""
        moments = self.book.moments.get(about_link(link_id))
        return moments[-1].link if moments else None

    def link_changed(
        self, before: LinkView | None, after: LinkView, revision: int, now: datetime, owed_before: set[int]
    ) -> None:
        """A failure is told to whoever asks for it, where no page tells of it; and its end."""
        about = about_link(after.id)
        if after.state == "FAILED" and about not in self.book.open and (before is None or before.state != "FAILED"):
            self._link_failed(after, revision, now, owed_before)
        elif after.state != "FAILED":
            self._link_fails_no_more(after, revision, now)
        incident = self.book.open.get(about)
        self.book.note(about, Moment(now, None, incident.number if incident else None, revision, after))

    def link_deleted(self, link_id: str, now: datetime) -> None:
        self._deleted(about_link(link_id), now)

    def page_changed(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        """Apply the table "who is told, and when"."""
        if after.accepting:
            self._accepts_again(after, revision, now)
        elif after.stop_cause == "CALENDAR_FAILURE":
            self._stopped_by_rule(before, after, revision, now)
        incident = self.book.open.get(after.id)
        self.book.note(after.id, Moment(now, after, incident.number if incident else None, revision))

    def page_deleted(self, page_id: str, now: datetime) -> None:
        self._deleted(page_id, now)

    def _link_failed(self, link: LinkView, revision: int, now: datetime, owed_before: set[int]) -> None:
        person = self._people.at(link.account, now)
        told = [
            owed.certain
            for owed in self.book.owed.values()
            if owed.number not in owed_before and owed.recipient == link.account and link.account in owed.named
        ]
        if person is None or not person.always or True in told:
            return
        about = about_link(link.id)
        incident = self.book.incident(about, now)
        for channel in self._people.channels(link.account, None, now):
            key = (about, revision, FAILED, link.account, channel, (link.account,), now)
            self.book.owe(incident, key, FAILED, certain=not told)

    def _link_fails_no_more(self, link: LinkView, revision: int, now: datetime) -> None:
        """It is told that it is mended, but not where the person ended it."""
        if about_link(link.id) in self.book.open:
            self.before_an_end()
            incident = self.book.open.pop(about_link(link.id))
            if link.state != "STOPPED":
                self.book.owe_end(incident, MENDED, (link.account,), revision, now)

    def _stopped_by_rule(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        faulty = tuple(fault.account for fault in after.faulty)
        incident, stop = self.book.incident(after.id, now), Occasion(after, STOPPED, faulty, revision, now)
        if before is None or before.stop_cause != "CALENDAR_FAILURE":
            for recipient in dict.fromkeys((after.owner, *faulty)):
                self.book.tell(incident, stop, recipient, afresh=True)
            return
        if before.owner != after.owner:
            self.book.tell(incident, stop, after.owner)
            self.book.seen["a stopped page changes hands"] += 1
        known = {fault.account for fault in before.faulty}
        for account in faulty if after.mode == "ALL_MEMBERS" else ():
            if account not in known:
                for recipient in dict.fromkeys((after.owner, account)):
                    self.book.tell(incident, Occasion(after, ANOTHER, (account,), revision, now), recipient)

    def _accepts_again(self, page: PageView, revision: int, now: datetime) -> None:
        if page.id in self.book.open:
            self.before_an_end()
            self.book.owe_end(self.book.open.pop(page.id), AGAIN, (), revision, now)

    def _deleted(self, about: str, now: datetime) -> None:
        self.before_an_end()
        self.book.open.pop(about, None)
        self.book.note(about, Moment(now, None, None))
