"""Recurring events: their occurrences, as `singleEvents` lists them and as free/busy sees them.

Of RFC 5545 there is one RRULE, DAILY or WEEKLY, with INTERVAL, and COUNT or UNTIL. Occurrences are counted in UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from calguard_sandbox.google import times
from calguard_sandbox.google.accounts import Event
from calguard_sandbox.google.errors import ApiError, bad_request

_PERIODS = {"DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL"})
_LARGEST_NUMBER = 9999
_HORIZON = timedelta(days=366)
"""How far a rule without an end is followed where the window has none either."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Every `step` from the event's own start on: `count` times, or as long as the start is not past `until`."""

    step: timedelta
    count: int | None = None
    until: datetime | None = None

    def includes(self, number: int, start: datetime) -> bool:
        """Whether the occurrence of that number (from 0) and start is still one."""
        return (self.count is None or number < self.count) and (self.until is None or start <= self.until)


def rule_of(resource: dict[str, Any]) -> Rule | None:
    """The rule of an event's JSON, None for a single event; 400 for one that is none, or not imitated."""
    lines = resource.get("recurrence")
    if not lines:
        return None
    if not isinstance(lines, list) or len(lines) != 1 or not str(lines[0]).startswith("RRULE:"):
        raise _not_a_rule()
    parts = dict(part.partition("=")[::2] for part in str(lines[0]).removeprefix("RRULE:").split(";"))
    if not parts.keys() <= _PARTS or parts.get("FREQ") not in _PERIODS or {"COUNT", "UNTIL"} <= parts.keys():
        raise _not_a_rule()
    return _rule(parts)


def occurrences(event: Event, start: datetime | None, end: datetime | None) -> Iterator[Event]:
    """The single events that an event stands for, as far as any of each lies in the window; None leaves a side open."""
    rule = rule_of(event.resource)
    if rule is None:
        yield from (event,) if event.overlaps(start, end) else ()
        return
    number = 0 if start is None else max(0, (start - event.end) // rule.step)
    last = end or event.start + _HORIZON
    while (moment := event.start + number * rule.step) < last and rule.includes(number, moment):
        occurrence = _occurrence(event, number * rule.step)
        if occurrence.overlaps(start, end):
            yield occurrence
        number += 1


def _rule(parts: dict[str, str]) -> Rule:
    try:
        step = _PERIODS[parts["FREQ"]] * _number(parts.get("INTERVAL", "1"))
        count = _number(parts["COUNT"]) if "COUNT" in parts else None
        until = datetime.strptime(parts["UNTIL"], "%Y%m%dT%H%M%S%z") if "UNTIL" in parts else None
    except ValueError as error:
        raise _not_a_rule() from error
    return Rule(step, count, until)


def _number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= _LARGEST_NUMBER:
        raise ValueError(text)
    return number


def _occurrence(event: Event, later: timedelta) -> Event:
    start, end = event.start + later, event.end + later
    resource = {name: value for name, value in event.resource.items() if name != "recurrence"}
    for name, moment in (("start", start), ("end", end)):
        resource[name] = _moved(event.resource[name], moment, later)
    resource |= {"recurringEventId": event.id, "originalStartTime": resource["start"]}
    return Event(f"{event.id}_{start:%Y%m%dT%H%M%SZ}", start, end, resource, event.cancelled)


def _moved(value: dict[str, Any], moment: datetime, later: timedelta) -> dict[str, Any]:
    if "dateTime" in value:
        return {**value, "dateTime": times.text(moment)}
    return {**value, "date": (date.fromisoformat(value["date"]) + later).isoformat()}


def _not_a_rule() -> ApiError:
    return bad_request("invalid", "Invalid recurrence rule.")
