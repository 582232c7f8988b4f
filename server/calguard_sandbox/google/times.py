"""Times as the Calendar API reads and writes them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calguard_sandbox.google.errors import bad_request


def instant(text: object) -> datetime:
    """An RFC 3339 time that carries its offset; anything else is refused with 400."""
    moment = _parsed(text)
    if moment.tzinfo is None:
        raise bad_request("badRequest", "Bad Request")
    return moment.astimezone(UTC)


def event_time(value: object, default_zone: str) -> datetime:
    """The instant that an event's `start` or `end` names: a dateTime, or the midnight of an all-day date."""
    if not isinstance(value, dict):
        raise bad_request("required", "Missing end time.")
    zone = _zone(value.get("timeZone") or default_zone)
    moment = _parsed(value.get("dateTime") or value.get("date"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def text(moment: datetime) -> str:
    """A UTC time to the second, as `2026-01-05T09:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event_times(start: datetime, end: datetime) -> dict[str, Any]:
    """An event's `start` and `end`."""
    return {
        "start": {"dateTime": text(start), "timeZone": "UTC"},
        "end": {"dateTime": text(end), "timeZone": "UTC"},
    }


def _parsed(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise bad_request("badRequest", "Bad Request") from error


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise bad_request("invalid", "Invalid time zone definition.") from error
