"""The settings of incidents of the provider: when links that fail alike are its trouble, and not theirs."""

from datetime import timedelta

from pydantic import BaseModel, Field

from calguard_server.settings.durations import Duration, WaitDuration


class IncidentSettings(BaseModel):
    """When an incident is opened, and how long it holds links."""

    incident_window: Duration = Field(
        timedelta(minutes=5), description="Within which time links that fail alike are taken together as an incident."
    )
    incident_accounts: int = Field(
        10, ge=2, le=1_000_000, description="How many unrelated accounts must fail alike at least for an incident."
    )
    incident_share: float = Field(
        0.05, gt=0, le=1, description="Which share of the links checked must fail alike at least for an incident."
    )
    incident_hold: WaitDuration = Field(
        timedelta(hours=24),
        description="How long an incident holds links at most that only people can mend. What passes by itself is held "
        "until it is over.",
    )
