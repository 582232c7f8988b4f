"""Use cases of silences."""

from datetime import datetime

from msgspec.structs import replace

from calguard_server.domain.errors import (
    AlreadyExistsError,
    FieldViolation,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
)
from calguard_server.domain.silence import LONGEST, SILENCES_MAX, Silence
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_account, found_link, found_page
from calguard_server.engine.requests import Request
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


class Silences:
    """Creates, lists and ends silences."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def create(self, silence: Silence, request: Request | None = None) -> Silence:
        """Create a silence; an empty id is replaced by a new one.

        Raises InvalidArgumentError, AlreadyExistsError `SILENCE_EXISTS`, NotFoundError, ResourceExhaustedError
        `SILENCE_LIMIT`.
        """
        now = self._context.clock.now()
        _require_sane_end(silence.end_time, now)
        created = replace(silence, id=silence.id or self._context.new_id("silence"), create_time=now)

        def decide(rows: WorkingSet) -> Silence:
            _require_room(rows, created.id, now)
            _require_what_it_names(rows, created)
            rows.put_silence(created)
            return created

        seeds = Seeds(
            pages=_named(created.booking_page_id),
            accounts=_named(created.account_id),
            links=_named(created.calendar_link_id),
            silences=True,
        )
        return await self._context.store.transact(Unit(seeds, decide, request))

    async def list(self, after: str, limit: int) -> list[Silence]:
        """List the silences in force with ids after the one given."""
        return await self._context.store.silences(self._context.clock.now(), after, limit)

    async def delete(self, silence_id: str, request: Request | None = None) -> None:
        """End a silence. Raises NotFoundError `SILENCE_NOT_FOUND`."""
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> None:
            silence = rows.silences.get(silence_id)
            if silence is None or silence.end_time <= now:
                raise NotFoundError(
                    "SILENCE_NOT_FOUND", f"there is no silence {silence_id} in force", metadata={"id": silence_id}
                )
            rows.delete_silence(silence_id)

        await self._context.store.transact(Unit(Seeds(silences=True), decide, request))


def _named(resource_id: str) -> tuple[str, ...]:
    return (resource_id,) if resource_id else ()


def _require_sane_end(end: datetime, now: datetime) -> None:
    if not now < end <= now + LONGEST:
        expected = f"expected a time in the future, at most {LONGEST.days} days ahead"
        raise InvalidArgumentError.of_fields(FieldViolation("silence.end_time", expected))


def _require_room(rows: WorkingSet, silence_id: str, now: datetime) -> None:
    if rows.silences.get(silence_id) is not None:
        raise AlreadyExistsError(
            "SILENCE_EXISTS", f"there is, or was lately, a silence {silence_id}", metadata={"id": silence_id}
        )
    if sum(each is not None and each.end_time > now for each in rows.silences.values()) >= SILENCES_MAX:
        raise ResourceExhaustedError(
            "SILENCE_LIMIT", f"there are {SILENCES_MAX} silences in force: end some that are not needed any more"
        )


def _require_what_it_names(rows: WorkingSet, silence: Silence) -> None:
    if silence.booking_page_id:
        found_page(rows.pages.get(silence.booking_page_id), silence.booking_page_id)
    if silence.account_id:
        found_account(rows.accounts.get(silence.account_id), silence.account_id)
    if silence.calendar_link_id:
        found_link(rows.links.get(silence.calendar_link_id), silence.calendar_link_id)
