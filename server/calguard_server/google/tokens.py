"""Access tokens, kept in memory until shortly before they expire, and refreshed by one task at a time a link."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from calguard_server.domain.secret import Secret
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.google.oauth import OAuth

EXPIRY_MARGIN = timedelta(minutes=2)
"""Longer than any chain of calls that begins with a token."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token; `scopes` as the refresh told them. `grant_mark` tells which grant it is of."""

    text: Secret
    expires: datetime
    scopes: tuple[str, ...] | None
    grant_mark: int


class AccessTokens:
    """The access tokens of all links. A token is only ever used for the grant that it came from."""

    def __init__(self, oauth: OAuth, clock: Clock) -> None:
        self._oauth = oauth
        self._clock = clock
        self._held: dict[str, AccessToken] = {}
        self._scope_sets: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._locks = KeyedLocks()
        self._to_keep: set[str] = set()

    def held(self, link_id: str, grant: Grant) -> AccessToken | None:
        """Answer the token that is held for a grant, where it is still good by its lifetime."""
        token = self._held.get(link_id)
        if token is None or token.grant_mark != _mark(grant):
            return None
        return token if self._clock.now() < token.expires - EXPIRY_MARGIN else None

    async def renew(self, link_id: str, grant: Grant, rejected: AccessToken | None = None) -> AccessToken:
        """Answer another token than the one rejected: one that somebody has got meanwhile, or a fresh one.

        Raises ProviderFailureError.
        """
        async with self._locks.hold(link_id):
            held = self.held(link_id, grant)
            if held is not None and held is not rejected:
                return held
            self._held.pop(link_id, None)
            self._to_keep.add(link_id)
            try:
                token = await self._refresh(grant)
                if link_id in self._to_keep:
                    self._held[link_id] = token
            finally:
                self._to_keep.discard(link_id)
            return token

    def forget(self, link_id: str) -> None:
        """Drop a link's token; one that is being refreshed is used by those who wait for it, and not kept."""
        self._held.pop(link_id, None)
        self._to_keep.discard(link_id)

    async def _refresh(self, grant: Grant) -> AccessToken:
        refreshed = await self._oauth.refresh(grant)
        expires = self._clock.now() + refreshed.lifetime
        return AccessToken(refreshed.access_token, expires, self._shared(refreshed.granted_scopes), _mark(grant))

    def _shared(self, scopes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Answer an equal tuple that all tokens share: there are few combinations, and many links."""
        return None if scopes is None else self._scope_sets.setdefault(scopes, scopes)


def _mark(grant: Grant) -> int:
    """Tell grants apart without keeping the refresh token of each link in memory."""
    return hash(grant.refresh_token)
