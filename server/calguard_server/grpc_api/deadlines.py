"""How long a call may wait for others, by its caller's deadline."""

from datetime import timedelta
from typing import cast

from calguard_server.grpc_api.handlers import Context

_SHARE = 0.8
"""Of the time that is left; the rest is for what comes after the wait: deciding, committing, and the way back."""


def patience_of(context: Context) -> timedelta | None:
    """Answer how long a call may wait so that its caller still hears the answer; None: it has no deadline."""
    left = cast("float | None", context.time_remaining())  # None without a deadline, whatever grpc's types say
    return None if left is None else timedelta(seconds=_SHARE * left)
