"""The settings of how many calls are taken, and how long one may last."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from calguard_server.settings.durations import Duration, WaitDuration, at_most

_LONGEST_OVERLOAD = timedelta(seconds=4)  # a wait is measured up to 5 s

OverloadDuration = Annotated[WaitDuration, AfterValidator(at_most(_LONGEST_OVERLOAD))]


class LimitSettings(BaseModel):
    """The limits of calls."""

    caller_rate: float = Field(
        2_000,
        ge=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="How many calls a second one caller may make, in the long run: one name of AUTH_TOKENS_FILE, or "
        "one address without it. 0: as many as they like.",
    )
    caller_burst: int = Field(
        4_000, ge=1, le=1_000_000, description="How many calls one caller may make at once, above CALLER_RATE."
    )
    calls_max: int = Field(4_000, ge=1, description="How many calls this server has under way at a time, at most.")
    call_timeout: Duration = Field(
        timedelta(minutes=2), description="How long a call may take, whatever its caller's deadline. Watches last on."
    )
    overload_wait: OverloadDuration = Field(
        timedelta(milliseconds=50),
        description="How long calls may wait to be taken up before calls are refused, so that those served keep their "
        "latency; 0s: none are refused for that.",
    )
