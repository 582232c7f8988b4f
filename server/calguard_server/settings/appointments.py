"""The settings of appointments."""

from datetime import timedelta

from pydantic import BaseModel, Field

from calguard_server.settings.addresses import Url
from calguard_server.settings.durations import Duration


class AppointmentSettings(BaseModel):
    """Where a person changes an appointment, and whose turn it is."""

    appointment_url: Url = Field(
        "http://localhost:3000/appointments/{appointment_id}",
        description="The address in notices at which a person gives an appointment to somebody else, or cancels it; "
        "`{appointment_id}` is filled in.",
    )
    assignment_window: Duration = Field(
        timedelta(days=30),
        description="For how long an assignment counts when AUTO_ASSIGN looks for who has the fewest appointments.",
    )
