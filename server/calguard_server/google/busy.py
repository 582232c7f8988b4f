"""Asking when calendars are busy: as many queries as it takes, side by side, each no larger than Google permits.

The pacer spaces them. Each has a session of its own, so that of all that find the access token expired one renews it.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.intervals import Interval, merged
from calguard_server.engine.ports.appointment_calendars import BusyTimes
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.side_by_side import side_by_side
from calguard_server.google.answers import Outcome
from calguard_server.google.calendar import CalendarRequests, batches
from calguard_server.google.session import GrantSession

LONGEST_WINDOW = timedelta(days=80)
"""Of one query. Google refuses about three months with `timeRangeTooLong`, and documents no number."""

OpenSession = Callable[[], GrantSession]


class _Query(Struct, frozen=True):
    calendar_ids: tuple[str, ...]
    window: Interval


class BusyReader:
    """Asks with one grant."""

    def __init__(self, open_session: OpenSession, requests: CalendarRequests) -> None:
        self._open_session = open_session
        self._requests = requests

    async def read(self, calendar_ids: Sequence[str], window: Interval) -> BusyTimes:
        """Ask when calendars are busy. Raises ProviderFailureError where no query was answered.

        A calendar of which any part of the window could not be read has failed.
        """
        queries = [_Query(ids, part) for ids in batches(calendar_ids) for part in parts_of(window)]
        answers = await side_by_side(map(self._answer, queries))
        failures = [each for each in answers if isinstance(each, ProviderFailureError)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return combined(
            [
                _failed(query, answer) if isinstance(answer, ProviderFailureError) else answer
                for query, answer in zip(queries, answers, strict=True)
            ]
        )

    async def _answer(self, query: _Query) -> BusyTimes | ProviderFailureError:
        try:
            return await self._ask(query)
        except ProviderFailureError as failure:
            return failure

    async def _ask(self, query: _Query) -> BusyTimes:
        """Ask; where Google wants fewer calendars at once, ask for one half, then for the other."""
        ids = query.calendar_ids
        request = self._requests.free_busy(ids, query.window.start, query.window.end)
        verdict, _ = await self._open_session().send(request)
        if verdict.outcome is not Outcome.SPLIT:
            return BusyTimes(verdict.busy, verdict.findings)
        if len(ids) == 1:
            return BusyTimes({}, (Finding(CauseReason.PROVIDER_UNAVAILABLE, ids[0]),))
        middle = len(ids) // 2
        halves = [await self._ask(replace(query, calendar_ids=half)) for half in (ids[:middle], ids[middle:])]
        return combined(halves)


def parts_of(window: Interval) -> list[Interval]:
    """Cut a window into as many parts as queries of it take."""
    parts = []
    start = window.start
    while start < window.end:
        end = min(start + LONGEST_WINDOW, window.end)
        parts.append(Interval(start, end))
        start = end
    return parts


def combined(answers: Sequence[BusyTimes]) -> BusyTimes:
    """Put answers together; a calendar that failed in any of them is busy in none. Of each the first failure counts."""
    if len(answers) == 1:
        return answers[0]
    failed: dict[str, Finding] = {}
    busy: dict[str, list[Interval]] = {}
    for answer in answers:
        for finding in answer.failed:
            failed.setdefault(finding.calendar_id, finding)
        for calendar_id, times in answer.busy.items():
            busy.setdefault(calendar_id, []).extend(times)
    known = {name: tuple(merged(times)) for name, times in busy.items() if name not in failed}
    return BusyTimes(known, tuple(failed.values()))


def _failed(query: _Query, failure: ProviderFailureError) -> BusyTimes:
    findings = (replace(failure.finding, calendar_id=calendar_id) for calendar_id in query.calendar_ids)
    return BusyTimes({}, tuple(findings))
