"""Durations as options take them."""

import re
from datetime import timedelta

import click

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,6})(ms|s|m|h|d)")


def read_duration(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """Read `250ms`, `10s` or `2m`, longer than nothing. Raises BadParameter."""
    match = _DURATION.fullmatch(value)
    if match is None or int(match[1]) == 0:
        raise click.BadParameter("expected a duration such as 250ms, 10s or 2m")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
