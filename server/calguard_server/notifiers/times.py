"""Times as people read them, in the zone that they carry: an account has no zone of its own."""

from datetime import datetime


def moment(time: datetime, pattern: str) -> str:
    """Write a time as a language's pattern has it, to the minute, with its zone."""
    return _filled(pattern, time, f"{time:%H:%M}")


def period(start: datetime, end: datetime, pattern: str) -> str:
    """Write a stretch of time; the day is said once where it begins and ends on the same one."""
    if start.date() == end.date():
        return _filled(pattern, start, f"{start:%H:%M}–{end:%H:%M}")
    return f"{moment(start, pattern)} – {moment(end, pattern)}"


def _filled(pattern: str, day: datetime, time: str) -> str:
    return pattern.format(year=day.year, month=day.month, day=day.day, time=time, zone=day.tzname() or "")
