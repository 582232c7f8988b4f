"""The calendar link: its states, the table of its moves, and what is kept of it."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from calguard_server.domain.causes import RULES, Cause, CauseReason, NextAction
from calguard_server.domain.machine import TransitionTable


class LinkState(StrEnum):
    """The names are part of the contract."""

    LINKED = "LINKED"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class LinkTrigger(StrEnum):
    """What moves a link."""

    PASS = "PASS"  # noqa: S105 - a check found everything in order
    DEGRADE = "DEGRADE"  # a check found a fault that does not concern busy time
    HOLD = "HOLD"  # a check found a fault that may pass by itself
    FAIL = "FAIL"  # a check found a fault that does not pass by itself, or one that lasted
    CONNECT = "CONNECT"  # the person gave consent
    DISCONNECT = "DISCONNECT"  # the person ended the link


_L, _D, _F, _S = (state.value for state in LinkState)

LINK_TABLE = TransitionTable(
    "calendar link",
    [state.value for state in LinkState],
    _S,
    [
        (LinkTrigger.PASS, _L, _L),
        (LinkTrigger.PASS, _D, _L),
        (LinkTrigger.PASS, _F, _L),
        (LinkTrigger.DEGRADE, _L, _D),
        (LinkTrigger.DEGRADE, _D, _D),
        (LinkTrigger.DEGRADE, _F, _D),
        (LinkTrigger.HOLD, _L, _D),
        (LinkTrigger.HOLD, _D, _D),
        (LinkTrigger.HOLD, _F, _F),
        (LinkTrigger.FAIL, _L, _F),
        (LinkTrigger.FAIL, _D, _F),
        (LinkTrigger.FAIL, _F, _F),
        (LinkTrigger.CONNECT, _L, _L),
        (LinkTrigger.CONNECT, _D, _D),
        (LinkTrigger.CONNECT, _F, _F),
        (LinkTrigger.CONNECT, _S, _D),
        (LinkTrigger.DISCONNECT, _L, _S),
        (LinkTrigger.DISCONNECT, _D, _S),
        (LinkTrigger.DISCONNECT, _F, _S),
    ],
)


class CalendarLink(Struct, frozen=True, kw_only=True):
    """One Google account that an account has connected.

    `evidence` grows with every change that is told, so that a signal which began before one is found stale.
    `failing_since` is when the first of the `consecutive_failures` was met, `quota_exhausted_since` when an unbroken
    run of QUOTA_EXHAUSTED began. These three, `last_check_time` and `next_check_time` change without an event.
    """

    id: str
    account_id: str
    provider_subject: str
    provider_email: str
    state: LinkState
    cause: Cause | None
    state_time: datetime
    has_grant: bool
    granted_scopes: tuple[str, ...]
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    last_check_time: datetime | None
    next_check_time: datetime | None
    consecutive_failures: int
    failing_since: datetime | None
    quota_exhausted_since: datetime | None
    evidence: int
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def authorized(self) -> bool:
        """Whether a grant is held that Google accepts and that permits listing and checking, as far as is known."""
        if self.state is not LinkState.FAILED or self.cause is None:
            return self.has_grant
        refused = RULES[self.cause.reason].voids_grant or self.cause.reason is CauseReason.SCOPE_MISSING
        return self.has_grant and not refused

    @property
    def next_action(self) -> NextAction:
        """What the person should do."""
        if self.state is LinkState.STOPPED:
            return NextAction.CONNECT
        return NextAction.NONE if self.cause is None else RULES[self.cause.reason].next_action

    @property
    def in_use(self) -> bool:
        """Whether any calendar is selected, so that the link's health concerns the pages."""
        return bool(self.check_calendar_ids or self.add_calendar_id)
