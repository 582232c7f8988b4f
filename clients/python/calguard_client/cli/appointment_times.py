"""Times as people give them: by a wall clock, or with an offset."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone and its clock."""

    name: str
    info: ZoneInfo

    def instant(self, time: datetime) -> datetime:
        """Answer when this clock shows a time that has no offset; of two such times, the first.

        Raises BadParameter for a time that the clock skips.
        """
        if time.tzinfo is not None:
            return time.astimezone(UTC)
        instant = time.replace(tzinfo=self.info).astimezone(UTC)
        if instant.astimezone(self.info).replace(tzinfo=None) != time:
            raise click.BadParameter(f"--start: {time} does not exist in {self.name}: the clock is put forward then")
        return instant


UTC_ZONE = Zone("UTC", ZoneInfo("UTC"))


def read_zone(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Zone | None:
    """Read the name of a zone, as a callback of click. Raises BadParameter."""
    if value is None:
        return None
    try:
        return Zone(value, ZoneInfo(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter("expected the IANA name of a time zone, such as Asia/Tokyo") from None


def moment_option(flag: str, name: str, *, help: str, required: bool = False) -> Callable[[Command], Command]:  # noqa: A002 - click's name
    """Take a time, with an offset or without."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
        try:
            return None if value is None else datetime.fromisoformat(value)
        except ValueError:
            raise click.BadParameter("expected a time such as 2030-03-09T10:00, or 2030-03-09T10:00+09:00") from None

    return click.option(flag, name, metavar="TIME", callback=read, required=required, help=help)


request_id_option = click.option(
    "--request-id",
    "request_id",
    metavar="UUID",
    default="",
    help="That of a call whose answer was lost, to repeat it; a new one if left out.",
)
