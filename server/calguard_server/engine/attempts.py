"""Attempts at linking: claiming one, and what supersedes it before it is completed.

1. An attempt is found by a digest of its `state`, and is good once and until it expires. Claiming it is a commit of
   its own, so that no code is ever tried twice.
2. Whoever ends a link means it. What was begun before that must not link it again: a forgotten tab is no consent. So
   ending a link marks the attempts of its account that could, in the transaction that ends it.
"""

import hashlib

from msgspec.structs import replace

from calguard_server.domain.errors import CalguardError, FailedPreconditionError, InvalidArgumentError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.context import Context
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


async def claim(context: Context, state: str) -> LinkAttempt:
    """Take an attempt, so that nobody else can.

    Raises InvalidArgumentError `STATE_UNKNOWN`, FailedPreconditionError `STATE_USED`, `STATE_EXPIRED`.
    """
    now, digest = context.clock.now(), digest_of(state)

    def decide(rows: WorkingSet) -> LinkAttempt:
        attempt = rows.attempts.get(digest)
        if attempt is None:
            raise state_unknown()
        if attempt.used:
            raise naming(
                attempt, FailedPreconditionError("STATE_USED", "this attempt at linking was completed: begin again")
            )
        if attempt.expire_time <= now:
            raise naming(
                attempt, FailedPreconditionError("STATE_EXPIRED", "this attempt at linking has expired: begin again")
            )
        rows.put_attempt(replace(attempt, used=True))
        return attempt

    return await context.store.transact(Unit(Seeds(attempts=(digest,)), decide))


def state_unknown() -> InvalidArgumentError:
    """Build the refusal of a state that no attempt has."""
    return InvalidArgumentError.of_field(
        "STATE_UNKNOWN", "state", "is not one that BeginCalendarLink answered: begin again"
    )


def naming(attempt: LinkAttempt, refusal: CalguardError) -> CalguardError:
    """Let a refusal name what to begin again with, unless it names something itself."""
    refusal.metadata.setdefault("account_id", attempt.account_id)
    if attempt.calendar_link_id:
        refusal.metadata.setdefault("calendar_link_id", attempt.calendar_link_id)
    return refusal


def refuse_superseded(attempt: LinkAttempt, subject: str = "") -> None:
    """Raise FailedPreconditionError `ATTEMPT_SUPERSEDED` for an attempt that a link was ended after.

    `subject` is the Google account that consented; empty where that is not known.
    """
    if attempt.superseded or subject in attempt.ended_subjects:
        raise FailedPreconditionError(
            "ATTEMPT_SUPERSEDED",
            "this calendar link was disconnected or deleted after this attempt at linking began: begin again",
        )


def supersede_by_end_of(rows: WorkingSet, link: CalendarLink) -> None:
    """Mark the attempts that could link an ended link again: those that name it, and the rest by its subject."""
    for attempt in rows.attempts_of_account(link.account_id):
        if attempt.calendar_link_id == link.id:
            rows.put_attempt(replace(attempt, superseded=True))
        elif link.provider_subject not in attempt.ended_subjects:
            rows.put_attempt(replace(attempt, ended_subjects=(*attempt.ended_subjects, link.provider_subject)))


def supersede_all_of(rows: WorkingSet, account_id: str) -> None:
    """Mark every attempt of a deleted account: another one may be made with its id."""
    for attempt in rows.attempts_of_account(account_id):
        rows.put_attempt(replace(attempt, superseded=True))


def digest_of(state: str) -> str:
    """Answer what an attempt is stored under."""
    return hashlib.sha256(state.encode()).hexdigest()
