"""The settings of how often calendars are asked, and of when a link has failed."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from calguard_server.settings.durations import Duration, RequestDuration, WaitDuration, at_most

_LONGEST_CACHED = timedelta(minutes=5)  # of what calendars said, nobody here hears that it is otherwise by now

CacheDuration = Annotated[WaitDuration, AfterValidator(at_most(_LONGEST_CACHED))]


class CheckSettings(BaseModel):
    """How often calendars are asked, and when a link has failed."""

    check_interval: Duration = Field(timedelta(minutes=10), description="How often a healthy link is checked.")
    check_concurrency: int = Field(
        64,
        ge=2,
        le=1000,
        description="How many checks run at a time: half of them of links that fail just now, half of all others.",
    )
    availability_cache: CacheDuration = Field(
        timedelta(seconds=15),
        description="How long QueryAvailability may answer by what calendars said before; 0s: it asks each time."
        " AssignAppointment always asks.",
    )
    availability_timeout: RequestDuration = Field(
        timedelta(seconds=4),
        description="How long QueryAvailability, AssignAppointment and ReassignAppointment wait for calendars; those "
        "that have not answered by then are unknown. At most 1m; a caller's deadline that is sooner counts.",
    )
    google_quota: int = Field(
        10_000, ge=1, le=10_000_000, description="How many requests a minute Google Calendar is sent in all."
    )
    google_user_quota: int = Field(
        600, ge=1, le=10_000_000, description="How many requests a minute Google Calendar is sent for one link."
    )
    failure_threshold: int = Field(
        3, ge=1, le=100, description="How many checks in a row must fail before what may pass fails a link."
    )
    failure_after: WaitDuration = Field(
        timedelta(minutes=10), description="How long what may pass must have lasted before it fails a link."
    )
    retry_interval: Duration = Field(
        timedelta(seconds=15), description="How soon a failing link is checked again; doubles up to 5m."
    )
