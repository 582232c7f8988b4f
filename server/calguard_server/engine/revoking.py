"""Revoking grants at the provider.

Google revokes all that a person granted to this service at once: every refresh token of that Google account dies with
the one that is named. So a grant is revoked only where no other link rests on the same Google account. Callers hold
that account's lock (`LinkLocks.subjects`), so that no such link is made meanwhile.
"""

from collections.abc import Iterable
from enum import StrEnum

import structlog
from msgspec import Struct

from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.ports.grants import Grant, GrantUnreadableError
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.engine.ports.store import Store

_log = structlog.get_logger()


class Revocation(StrEnum):
    """What became of a grant at the provider; the names are part of the contract."""

    CONFIRMED = "CONFIRMED"  # it is void, or there was none
    KEPT = "KEPT"  # another link rests on it
    UNCONFIRMED = "UNCONFIRMED"  # the provider did not say that it is void


_WORSE = (Revocation.CONFIRMED, Revocation.KEPT, Revocation.UNCONFIRMED)


def worst_of(revocations: Iterable[Revocation]) -> Revocation:
    """Answer what asks most of the person; CONFIRMED where there was no grant at all."""
    return max(revocations, key=_WORSE.index, default=Revocation.CONFIRMED)


class Taken(Struct, frozen=True):
    """A link's grant as it was found in the store: `readable` is false where no key opens it."""

    link_id: str
    grant: Grant | None
    readable: bool = True


class GrantRevoker:
    """Takes grants out of the store, and revokes grants at the provider."""

    def __init__(self, store: Store, provider: CalendarProvider) -> None:
        self._store = store
        self._provider = provider

    async def take(self, link: CalendarLink) -> Taken:
        """Answer a link's grant, and drop what is cached for it."""
        self._provider.forget(link.id)
        try:
            return Taken(link.id, await self._store.grant(link.id))
        except GrantUnreadableError:
            return Taken(link.id, None, readable=False)

    async def revoke_taken(self, taken: Taken) -> Revocation:
        """Revoke what was taken from a link, unless another link rests on it."""
        if taken.grant is not None:
            return await self.revoke(taken.grant, besides=taken.link_id)
        return Revocation.CONFIRMED if taken.readable else Revocation.UNCONFIRMED

    async def revoke(self, grant: Grant, *, besides: str = "") -> Revocation:
        """Revoke a grant, unless a link rests on its Google account's; `besides` is the link that is being ended."""
        holders = await self._store.links_with_grant_of(grant.subject)
        if any(holder != besides for holder in holders):
            return Revocation.KEPT
        if await self._provider.revoke(grant):
            return Revocation.CONFIRMED
        _log.warning("a grant was not revoked: the provider did not confirm it", calendar_link_id=besides)
        return Revocation.UNCONFIRMED
