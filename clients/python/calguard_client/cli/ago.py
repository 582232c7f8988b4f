"""How long ago, and how long: short, for people."""

from google.protobuf.timestamp_pb2 import Timestamp

from calguard_client.cli.cells import NOTHING

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def seconds_of(time: Timestamp) -> float:
    """Answer the seconds since 1970."""
    return time.seconds + time.nanos / 1e9


def ago(time: Timestamp, now: float) -> str:
    """Tell how long ago a time was, at `now` in seconds since 1970; a dash for one that is not set."""
    return span(now - seconds_of(time)) if time.ByteSize() else NOTHING


def span(seconds: float) -> str:
    """Tell a time span in its two largest units: `7s`, `3m 09s`, `5h 12m`, `8d 03h`. Less than nothing is `0s`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02}h"
