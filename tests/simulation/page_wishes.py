"""What owners ask of their pages: in the order in which it is asked, each is done, refused, or changes nothing."""

from collections import deque

from tests.simulation.complaint import ComplaintError, demand, same
from tests.simulation.page_rules import PageByRules
from tests.simulation.people import People
from tests.simulation.plain import PageView, Seen
from tests.simulation.wishes import LOST, REPLAYED, Wish

DONE = "done"
UNSURE = (LOST, REPLAYED)


class PageWishes:
    """The wishes about each page that the log has not explained yet."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._waiting: dict[str, deque[Wish]] = {}
        self._asked: list[Wish] = []

    def add(self, wish: Wish) -> None:
        """Note a wish about a page, right before it is asked."""
        self._waiting.setdefault(wish.target, deque()).append(wish)
        self._asked.append(wish)

    def explain(self, change: Seen, view: PageView, page: PageByRules | None) -> PageByRules | None:
        """Find the wish that explains a change; answers the page as it was wished, None where it was deleted."""
        waiting = self._waiting.get(view.id, deque())
        while waiting:
            wish = waiting.popleft()
            wish.predicted, changes = self._predict(wish, page)
            if changes:
                wish.effect = True
                same(change.type == "DELETED", wish.kind == "page.delete", f"whether {wish} deletes the page")
                return _wished(wish, page)
        raise ComplaintError(
            f"page {view.id} changed at revision {change.revision}, and nobody wished for that: {view}"
        )

    def rest(self, pages: dict[str, PageByRules]) -> None:
        """Nothing is under way: whatever wish is left has changed nothing, and each was answered as it should be."""
        for page_id, waiting in self._waiting.items():
            for wish in waiting:
                wish.predicted, changes = self._predict(wish, pages.get(page_id))
                without = wish.outcome in UNSURE or not changes
                demand(without, f"{wish} is to change something, and the log shows nothing")
        for wish in self._asked:
            if wish.outcome not in UNSURE:
                same(wish.outcome, wish.predicted, f"what comes of {wish}")
        self._waiting.clear()
        self._asked.clear()

    def restarted(self) -> None:
        """The server ended: what the log does not show was not done."""
        self._waiting.clear()
        self._asked.clear()

    def _predict(self, wish: Wish, page: PageByRules | None) -> tuple[str, bool]:
        """What comes of a wish, and whether anything changes by it."""
        if wish.kind == "page.create":
            return self._predict_create(wish, page)
        if page is None:
            return "BOOKING_PAGE_NOT_FOUND", False
        if wish.kind in ("page.stop", "page.resume"):
            legal = page.by_hand == (wish.kind == "page.resume")
            return (DONE, True) if legal else ("ILLEGAL_TRANSITION", False)
        read = wish.fields.get("as_read")
        if read is not None and read != page.settable():
            return "ETAG_MISMATCH", False
        if wish.kind == "page.delete":
            return DONE, True
        changed = page.changed(wish.fields["set"])
        if changed.settable() == page.settable():
            return DONE, False
        return self._where_accounts_exist(wish, changed)

    def _predict_create(self, wish: Wish, page: PageByRules | None) -> tuple[str, bool]:
        if page is not None:
            return "BOOKING_PAGE_EXISTS", False
        return self._where_accounts_exist(wish, wish.fields["page"])

    def _where_accounts_exist(self, wish: Wish, page: PageByRules) -> tuple[str, bool]:
        missing = self._people.missing((page.owner, *page.names), wish.time)
        return ("ACCOUNT_MISSING", False) if missing else (DONE, True)


def _wished(wish: Wish, page: PageByRules | None) -> PageByRules | None:
    if wish.kind == "page.delete":
        return None
    if wish.kind == "page.create" or page is None:
        fresh: PageByRules = wish.fields["page"]
        return fresh.changed({})
    if wish.kind == "page.update":
        return page.changed(wish.fields["set"])
    return page.changed({"by_hand": wish.kind == "page.stop"})
