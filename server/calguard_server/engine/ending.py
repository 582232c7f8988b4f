"""Use cases that end a link: disconnecting keeps it for linking again, deleting does not.

The grant is revoked at the provider first, then forgotten here; when the provider does not confirm, it is forgotten
all the same and the caller is told.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from calguard_server.domain.etags import require_etag
from calguard_server.domain.link import Disconnected, decide_link
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.attempts import supersede_by_end_of
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_link
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.revoking import GrantRevoker, Revocation
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.waiting import to_the_end
from calguard_server.engine.working_set import Unit, WorkingSet


class Ended(Struct, frozen=True):
    """A disconnected link, and what became of its grant."""

    link: CalendarLink
    revocation: Revocation


class Ending:
    """Disconnects and deletes links."""

    def __init__(self, context: Context, revoker: GrantRevoker, locks: LinkLocks) -> None:
        self._context = context
        self._revoker = revoker
        self._locks = locks

    async def disconnect(self, link_id: str, request: Request | None = None) -> Ended:
        """Disconnect a link, to the end once it is begun: a grant that is revoked must not seem to have failed.

        Raises NotFoundError, IllegalTransitionError where it is STOPPED already.
        """
        return await to_the_end(self._disconnect(link_id, request))

    async def delete(self, link_id: str, etag: str = "", request: Request | None = None) -> Revocation:
        """Delete a link, likewise; answers what became of its grant.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`.
        """
        return await to_the_end(self._delete(link_id, etag, request))

    async def _disconnect(self, link_id: str, request: Request | None) -> Ended:
        async with self._held(link_id, request) as link:
            decide_link(link, Disconnected(), self._context.clock.now(), self._context.policies.link)
            revocation = await self._revoker.revoke_taken(await self._revoker.take(link))
            return await self._commit_disconnect(link, revocation, request)

    async def _delete(self, link_id: str, etag: str, request: Request | None) -> Revocation:
        async with self._held(link_id, request) as link:
            require_etag(link, etag)
            revocation = await self._revoker.revoke_taken(await self._revoker.take(link))
            return await self._commit_delete(link, revocation, request)

    @asynccontextmanager
    async def _held(self, link_id: str, request: Request | None) -> AsyncIterator[CalendarLink]:
        """Hold a link, its Google account and its account. Raises NotFoundError, ReplayedError."""
        link = await self._context.store.link(link_id)
        await refuse_replay_of(self._context.store, request)  # after the link was read: its answer goes with its end
        account_id = found_link(link, link_id).account_id
        async with self._locks.accounts.hold(account_id):
            await refuse_replay_of(self._context.store, request)
            subject = found_link(await self._context.store.link(link_id), link_id).provider_subject
            async with self._locks.subjects.hold(subject), self._locks.links.hold(link_id):
                yield found_link(await self._context.store.link(link_id), link_id)

    async def _commit_disconnect(self, link: CalendarLink, revocation: Revocation, request: Request | None) -> Ended:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Ended:
            current = found_link(rows.links.get(link.id), link.id)
            decision = Propagation(rows, now, self._context).signal(current, Disconnected())
            rows.put_grant(link.id, None)
            supersede_by_end_of(rows, current)
            return Ended(decision.link, revocation)

        return await self._context.store.transact(Unit(_seeds(link), decide, request))

    async def _commit_delete(self, link: CalendarLink, revocation: Revocation, request: Request | None) -> Revocation:
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Revocation:
            current = found_link(rows.links.get(link.id), link.id)
            Propagation(rows, now, self._context).delete_link(current)
            supersede_by_end_of(rows, current)
            return revocation

        return await self._context.store.transact(Unit(_seeds(link), decide, request))


def _seeds(link: CalendarLink) -> Seeds:
    return Seeds(links=(link.id,), attempts_of=(link.account_id,))
