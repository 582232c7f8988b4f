"""Use cases that end a link: disconnecting keeps it for linking again, deleting does not.

The grant is revoked at the provider first, then forgotten here; when the provider does not confirm, it is forgotten
all the same and the caller is told.
"""

from msgspec import Struct

from calguard_server.domain.etags import require_etag
from calguard_server.domain.link import Disconnected, decide_link
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.context import Context
from calguard_server.engine.examine import usable_grant
from calguard_server.engine.found import found_link
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.ports import CalendarProvider, Grant, Store
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.working_set import Request, Seeds, Unit, WorkingSet, refuse_replay_of


class GrantRevoker:
    """Takes grants out of the store and revokes them at the provider."""

    def __init__(self, store: Store, provider: CalendarProvider) -> None:
        self._store = store
        self._provider = provider

    async def take(self, link_id: str) -> Grant | None:
        """Answer a link's grant, and drop what is cached for it."""
        self._provider.forget(link_id)
        return await usable_grant(self._store, link_id)

    async def revoke(self, grant: Grant | None) -> bool:
        """Revoke a grant; True when the provider confirms, or when there was none."""
        return True if grant is None else await self._provider.revoke(grant)


class Ended(Struct, frozen=True):
    """A disconnected link, and whether the provider confirmed that its grant is revoked."""

    link: CalendarLink
    revoked_at_provider: bool


class Ending:
    """Disconnects and deletes links."""

    def __init__(self, context: Context, revoker: GrantRevoker, locks: KeyedLocks) -> None:
        self._context = context
        self._revoker = revoker
        self._locks = locks

    async def disconnect(self, link_id: str, request: Request | None = None) -> Ended:
        """Disconnect a link. Raises NotFoundError, IllegalTransitionError where it is STOPPED already."""
        async with self._locks.hold(link_id):
            await refuse_replay_of(self._context.store, request)
            link = found_link(await self._context.store.link(link_id), link_id)
            decide_link(link, Disconnected(), self._context.clock.now(), self._context.policies.link)
            revoked = await self._revoker.revoke(await self._revoker.take(link_id))
            return await self._commit_disconnect(link_id, revoked, request)

    async def delete(self, link_id: str, etag: str = "", request: Request | None = None) -> bool:
        """Delete a link; answers whether its grant is revoked at the provider.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`.
        """
        async with self._locks.hold(link_id):
            await refuse_replay_of(self._context.store, request)
            require_etag(found_link(await self._context.store.link(link_id), link_id), etag)
            revoked = await self._revoker.revoke(await self._revoker.take(link_id))
            return await self._commit_delete(link_id, revoked, request)

    async def _commit_disconnect(self, link_id: str, revoked: bool, request: Request | None) -> Ended:  # noqa: FBT001 - private
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> Ended:
            link = found_link(rows.links.get(link_id), link_id)
            decision = Propagation(rows, now, self._context).signal(link, Disconnected())
            rows.put_grant(link_id, None)
            return Ended(decision.link, revoked)

        return await self._context.store.transact(Unit(Seeds(links=(link_id,)), decide, request))

    async def _commit_delete(self, link_id: str, revoked: bool, request: Request | None) -> bool:  # noqa: FBT001 - private
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> bool:
            link = found_link(rows.links.get(link_id), link_id)
            Propagation(rows, now, self._context).delete_link(link)
            return revoked

        return await self._context.store.transact(Unit(Seeds(links=(link_id,)), decide, request))
