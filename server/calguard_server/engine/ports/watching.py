"""What a watcher asks for."""

from datetime import timedelta

from msgspec import Struct

from calguard_server.domain.events import ResourceKind, WatchMode


class WatchSpec(Struct, frozen=True):
    """What a watcher asks for; empty collections do not narrow. See WatchRequest of the contract."""

    account_ids: frozenset[str] = frozenset()
    calendar_link_ids: frozenset[str] = frozenset()
    booking_page_ids: frozenset[str] = frozenset()
    kinds: frozenset[ResourceKind] = frozenset()
    resume_token: str = ""
    skip_snapshot: bool = False
    progress_interval: timedelta | None = None
    mode: WatchMode = WatchMode.EVERY
