"""Following up open incidents: each in a transaction of its own, so that what it owes then is owed once."""

from datetime import datetime

from calguard_server.domain.follow_up import FollowUp, FollowUpReason, Situation, decide_follow_up
from calguard_server.domain.link_incident import decide_link_follow_up
from calguard_server.engine.context import Context
from calguard_server.engine.owing import owe
from calguard_server.engine.ports.deliveries import IncidentOf
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


class FollowUps:
    """Looks at incidents whose time has come."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def follow_up(self, whose: IncidentOf) -> FollowUpReason | None:
        """Have an open incident owe what it owes by now; None where none is open any more."""
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> FollowUpReason | None:
            page, link = rows.pages.get(whose.booking_page_id), rows.links.get(whose.calendar_link_id)
            situation, decided, revision = self._situation(rows, now), None, 0
            if page is not None and (incident := rows.open_incident(page.id)) is not None:
                decided, revision = decide_follow_up(incident, page, situation), page.revision
            elif link is not None and (incident := rows.open_link_incident(link.id)) is not None:
                account = rows.accounts.get(link.account_id)
                decided, revision = decide_link_follow_up(incident, link, account, situation), link.revision
            return self._save(rows, decided, revision, now)

        pages = (whose.booking_page_id,) if whose.booking_page_id else ()
        links = (whose.calendar_link_id,) if whose.calendar_link_id else ()
        seeds = Seeds(pages=pages, links=links, silences=True)
        return await self._context.store.transact(Unit(seeds, decide))

    def _situation(self, rows: WorkingSet, now: datetime) -> Situation:
        silences = tuple(each for each in rows.silences.values() if each is not None)
        policies = self._context.policies
        return Situation(rows.accounts, policies.served, silences, policies.reminders, now)

    def _save(self, rows: WorkingSet, decided: FollowUp | None, revision: int, now: datetime) -> FollowUpReason | None:
        if decided is None:
            return None
        owe(rows, self._context, decided.incident, revision, decided.owed, now)
        return decided.reason
