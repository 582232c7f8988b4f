"""The model: follows the log as it grows, and demands an explanation by the rules for every change in it.

Right behind a link's change, in the same transaction, come exactly the pages that stand otherwise because of it. Any
other change of a page is explained by the next wish about that page.
"""

from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime

from tests.simulation.complaint import demand, same
from tests.simulation.follow_links import Counts, Links
from tests.simulation.incident_rules import ProviderByRules
from tests.simulation.notice_rules import Notices
from tests.simulation.page_rules import LinkState, PageByRules, Standing, standing
from tests.simulation.page_wishes import PageWishes
from tests.simulation.people import People
from tests.simulation.plain import LinkView, PageView, ProviderView, Seen
from tests.simulation.wishes import Probed


class Model:
    """What the rules make of everything that was asked and answered so far."""

    def __init__(self) -> None:
        self.revision = 0
        self.people = People()
        self.provider = ProviderByRules()
        self.links = Links(self.provider)
        self.pages: dict[str, PageByRules] = {}
        self.notices = Notices(self.people)
        self.wishes = PageWishes(self.people)
        self.seen: Counter[str] = Counter()
        self.last_seen: dict[tuple[str, str], Seen] = {}

    def take(self, transaction: Sequence[Seen]) -> None:
        """Explain the changes of one transaction."""
        changes = deque(transaction)
        while changes:
            change = changes.popleft()
            self._note(change)
            if isinstance(change.thing, ProviderView):
                self.provider.take(change, change.thing)
            elif isinstance(change.thing, LinkView):
                self._take_link(change, change.thing, changes)
            else:
                same(change.caused_by, 0, f"which link's change caused that of page {change.thing.id}")
                self._take_page(change, change.thing)

    def rest(self, now: datetime) -> None:
        """Nothing is under way: what is not told of was not to be told."""
        self.links.rest(now)
        self.provider.rest(now)
        self.wishes.rest(self.pages)

    def probed(self, probe: Probed) -> None:
        """Google answered a probe."""
        self.links.probed(probe)

    def revoking(self, subject: str, ending: str) -> None:
        """A grant is about to be revoked, for the end of a link: no other link rests on that Google account."""
        links = [link.id for link in self.links.known.values() if link.subject == subject and link.has_grant]
        demand(set(links) <= {ending}, f"the grant of {subject} is revoked, and {links} rest on it")

    def restarted(self, stored: dict[str, Counts], now: datetime) -> None:
        """The server ended, and its log was followed to the end: what is not in it did not happen."""
        self.links.restarted(stored)
        self.provider.restarted(now)
        self.wishes.restarted()

    def standing_of(self, page: PageByRules) -> Standing:
        """Apply the rules afresh to the links as the model has them."""
        links = [
            [LinkState(link.id, link.state, link.cause, link.checks, link.add) for link in self.links.of(name)]
            for name in page.names
        ]
        return standing(page.mode, links, page.names, by_hand=page.by_hand)

    def _note(self, change: Seen) -> None:
        """Revisions have no holes, and the state before is the one that was told last."""
        self.revision += 1
        same(change.revision, self.revision, "the revision after the last one")
        last = self.last_seen.get(change.key)
        before = last.thing.state if last is not None and last.type != "DELETED" else ""
        if isinstance(change.thing, ProviderView):
            before = before or "OPERATIONAL"
        same(change.type == "CREATED", not before, f"whether {change.thing.id} is new at revision {change.revision}")
        told = change.type in ("STATE_CHANGED", "DELETED")
        same(change.previous, before if told else "", f"{change.thing.id} before revision {change.revision}")
        self.last_seen[change.key] = change
        self.seen[_label(change)] += 1

    def _take_link(self, change: Seen, view: LinkView, changes: deque[Seen]) -> None:
        before = self.notices.link_before(view.id)
        self.links.take(change, view)
        owed_before = {owed.number for owed in self.notices.book.owed.values()}
        self._pages_follow(change, view.account, changes)
        if change.type == "DELETED":
            self.notices.link_deleted(view.id, change.time)
        else:
            self.notices.link_changed(before, view, change.revision, change.time, owed_before)

    def _pages_follow(self, change: Seen, account: str, changes: deque[Seen]) -> None:
        for page_id in sorted(self.pages):
            if account in self.pages[page_id].names:
                self._page_follows(change, self.pages[page_id], changes)

    def _page_follows(self, change: Seen, page: PageByRules, changes: deque[Seen]) -> None:
        before = page.view()
        effect = page.stand(self.standing_of(page), change.time)
        if not effect:
            return
        demand(bool(changes), f"page {page.id} is to follow revision {change.revision} in the same transaction")
        following = changes.popleft()
        self._note(following)
        same((following.type, following.caused_by), (effect, change.revision), f"how page {page.id} follows")
        same(following.thing, page.view(), f"page {page.id} at revision {following.revision}")
        self.notices.page_changed(before, page.view(), following.revision, following.time)

    def _take_page(self, change: Seen, view: PageView) -> None:
        page = self.pages.get(view.id)
        before = page.view() if page is not None else None
        after = self.wishes.explain(change, view, page)
        if after is None:
            same(view, before, f"page {view.id} as it was last")
            del self.pages[view.id]
            self.notices.page_deleted(view.id, change.time)
            return
        effect = after.stand(self.standing_of(after), change.time)
        same(change.type, "CREATED" if page is None else effect or "UPDATED", f"the change of page {view.id}")
        same(view, after.view(), f"page {view.id} at revision {change.revision}")
        self.pages[view.id] = after
        self.notices.page_changed(before, view, change.revision, change.time)


def _label(change: Seen) -> str:
    if isinstance(change.thing, ProviderView):
        return f"provider {change.thing.state}"
    if isinstance(change.thing, PageView):
        return f"page {change.thing.state} {change.thing.stop_cause}".removesuffix(" NONE")
    return f"link {change.thing.state} {change.thing.cause.reason if change.thing.cause else ''}".rstrip()
