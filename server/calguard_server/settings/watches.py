"""The settings of watches."""

from datetime import timedelta

from pydantic import BaseModel, Field

from calguard_server.settings.durations import Duration


class WatchSettings(BaseModel):
    """How long watches last, and how many there may be."""

    progress_interval: Duration = Field(
        timedelta(seconds=15), description="How long a watch may be silent before it is told that nothing happened."
    )
    watch_lifetime: Duration = Field(
        timedelta(minutes=30),
        description="How long a watch lasts at least; it ends by itself before twice that, so that watches spread over "
        "servers that came later.",
    )
    watch_streams: int = Field(10_000, ge=1, description="How many watches this server serves at once.")
    watch_streams_per_caller: int = Field(
        2_000,
        ge=1,
        description="How many watches one caller may have open: one name of AUTH_TOKENS_FILE, or one address "
        "without it.",
    )
