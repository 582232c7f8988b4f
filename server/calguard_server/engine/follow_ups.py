"""Following up open incidents: each in a transaction of its own, so that what it owes then is owed once."""

from calguard_server.domain.follow_up import FollowUpReason, decide_follow_up
from calguard_server.engine.context import Context
from calguard_server.engine.owing import owe
from calguard_server.engine.working_set import Seeds, Unit, WorkingSet


class FollowUps:
    """Looks at incidents whose time has come."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def follow_up(self, page_id: str) -> FollowUpReason | None:
        """Have a page's open incident owe what it owes by now; None where none is open any more."""
        now, policies = self._context.clock.now(), self._context.policies

        def decide(rows: WorkingSet) -> FollowUpReason | None:
            incident, page = rows.open_incident(page_id), rows.pages.get(page_id)
            if incident is None or page is None:
                return None
            decided = decide_follow_up(incident, page, rows.accounts, policies.served, policies.reminders, now)
            owe(rows, self._context, decided.incident, page.revision, decided.owed, now)
            return decided.reason

        return await self._context.store.transact(Unit(Seeds(pages=(page_id,)), decide))
