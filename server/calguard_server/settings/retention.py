"""The settings of how long what is past is kept."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from calguard_server.settings.durations import Duration, WaitDuration, show_duration

_SHORTEST_KEPT = timedelta(days=1)  # what the operator is alerted of is told once a day


def _check_kept(duration: timedelta) -> timedelta:
    if duration < _SHORTEST_KEPT:
        raise ValueError(f"expected a duration of at least {show_duration(_SHORTEST_KEPT)}")
    return duration


KeepDuration = Annotated[WaitDuration, AfterValidator(_check_kept)]


class RetentionSettings(BaseModel):
    """How long changes and notices are kept."""

    watch_retention: Duration = Field(
        timedelta(hours=24),
        description="How long changes are kept for watches that resume; the latest 1000 are kept in any case.",
    )
    notice_retention: KeepDuration = Field(
        timedelta(days=90),
        description="How long notices and their attempts are kept in the ledger; those of open incidents are kept in "
        "any case. At least a day.",
    )
