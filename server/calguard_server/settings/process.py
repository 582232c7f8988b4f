"""The settings of the process itself: how it ends, and what it logs."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field

from calguard_server.settings.durations import WaitDuration


class ProcessSettings(BaseModel):
    """How the process ends, and what it logs."""

    drain_timeout: WaitDuration = Field(
        timedelta(seconds=10), description="How long calls may go on after SIGTERM before they are cancelled."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least level logged.")
    log_format: Literal["json", "console"] = Field("json", description="Logs as JSON lines, or for a terminal.")
