"""Times as the Calendar API reads and writes them."""

from datetime import UTC, date, datetime, time
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


def event_times(start: date, end: date) -> dict[str, Any]:
    """An event's `start` and `end`; of dates that are no times it takes all day."""
    return {"start": _written(start), "end": _written(end)}


def instant_of(moment: date, zone: str) -> datetime:
    """The time itself, or the midnight with which a date that is no time begins in a zone."""
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time(), _zone(zone)).astimezone(UTC)


def _written(moment: date) -> dict[str, str]:
    if isinstance(moment, datetime):
        return {"dateTime": text(moment), "timeZone": "UTC"}
    return {"date": moment.isoformat()}


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
