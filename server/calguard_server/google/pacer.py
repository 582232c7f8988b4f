"""Keeping requests under the provider's quotas: one for the whole project, one for each user.

Each request is given an instant, so that they leave at the quota's rate whatever comes at once (the generic cell rate
algorithm). A small burst goes out unspaced.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.engine.ports.clock import Clock

_MINUTE = timedelta(minutes=1)
_PROJECT_BURST = timedelta(seconds=1)
_USER_BURST = timedelta(seconds=5)
_USERS_KEPT = 1024


class Quotas(Struct, frozen=True):
    """How many requests a minute, 1 or more. Google's defaults: 10,000 a project, 600 a user."""

    per_project: int = 10_000
    per_user: int = 600


DEFAULT_QUOTAS = Quotas()


class Pacer:
    """Lets requests leave one by one; what it remembers of a user is dropped when it no longer delays anything."""

    def __init__(self, quotas: Quotas, clock: Clock) -> None:
        self._clock = clock
        self._project_step = _MINUTE / quotas.per_project
        self._user_step = _MINUTE / quotas.per_user
        self._project_next: datetime | None = None
        self._user_next: dict[str, datetime] = {}
        self._prune_at = _USERS_KEPT

    async def admit(self, user: str) -> None:
        """Return when a request for a user may leave."""
        now = self._clock.now()
        project_at = max(self._project_next or now, now)
        user_at = max(self._user_next.get(user, now), now)
        self._project_next = project_at + self._project_step
        self._user_next[user] = user_at + self._user_step
        self._prune(now)
        leaves = max(project_at - _PROJECT_BURST, user_at - _USER_BURST)
        if leaves > now:
            await self._clock.sleep(leaves - now)

    def _prune(self, now: datetime) -> None:
        if len(self._user_next) >= self._prune_at:
            self._user_next = {user: at for user, at in self._user_next.items() if at > now}
            self._prune_at = max(2 * len(self._user_next), _USERS_KEPT)
