"""Which calls gRPC may make again by itself: one decision for every method of the contract.

A method that is not named here is not made again. tests/unit/test_client_calls.py fails until it is named.
"""

import enum
import json
from collections.abc import Iterator, Mapping
from typing import Any

PACKAGE = "calguard.v1"


class CallKind(enum.Enum):
    """What a repetition of a call would do."""

    READ = "changes nothing, so it is repeated"
    REPEATABLE = "carries a request_id: the server answers a repetition as the first call, so it is repeated"
    ONCE = "would act twice, so it is not repeated"
    STREAM = "is reopened by whoever reads it, who knows where to go on"


CALL_KINDS: Mapping[str, Mapping[str, CallKind]] = {
    "AccountService": {
        "CreateAccount": CallKind.REPEATABLE,
        "GetAccount": CallKind.READ,
        "ListAccounts": CallKind.READ,
        "UpdateAccount": CallKind.REPEATABLE,
        "DeleteAccount": CallKind.REPEATABLE,
    },
    "AppointmentService": {
        "QueryAvailability": CallKind.READ,
        "AssignAppointment": CallKind.REPEATABLE,
        "GetAppointment": CallKind.READ,
        "ListAppointments": CallKind.READ,
        "CancelAppointment": CallKind.REPEATABLE,
        "ReassignAppointment": CallKind.REPEATABLE,
    },
    "BookingPageService": {
        "CreateBookingPage": CallKind.REPEATABLE,
        "GetBookingPage": CallKind.READ,
        "ListBookingPages": CallKind.READ,
        "UpdateBookingPage": CallKind.REPEATABLE,
        "DeleteBookingPage": CallKind.REPEATABLE,
        "StopBookingPage": CallKind.REPEATABLE,
        "ResumeBookingPage": CallKind.REPEATABLE,
        "ExplainBookingPage": CallKind.READ,
    },
    "CalendarLinkService": {
        "BeginCalendarLink": CallKind.REPEATABLE,
        "CompleteCalendarLink": CallKind.ONCE,  # its state is good once: a repetition would be refused as used
        "GetCalendarLink": CallKind.READ,
        "ListCalendarLinks": CallKind.READ,
        "ListCalendars": CallKind.READ,
        "SelectCalendars": CallKind.REPEATABLE,
        "CheckCalendarLink": CallKind.ONCE,  # each is a check of its own, and counts as one
        "DiagnoseCalendarLink": CallKind.STREAM,
        "ReportCalendarFailure": CallKind.ONCE,  # each is counted
        "DisconnectCalendarLink": CallKind.REPEATABLE,
        "DeleteCalendarLink": CallKind.REPEATABLE,
    },
    "NotificationService": {
        "GetNotification": CallKind.READ,
        "ListNotifications": CallKind.READ,
        "RetryNotification": CallKind.REPEATABLE,
        "DiscardNotification": CallKind.REPEATABLE,
    },
    "ProviderService": {
        "GetProviderStatus": CallKind.READ,
    },
    "ServerService": {
        "GetServerStatus": CallKind.READ,
    },
    "SilenceService": {
        "CreateSilence": CallKind.REPEATABLE,
        "ListSilences": CallKind.READ,
        "DeleteSilence": CallKind.REPEATABLE,
    },
    "SlackWorkspaceService": {
        "PutSlackWorkspace": CallKind.REPEATABLE,
        "GetSlackWorkspace": CallKind.READ,
        "ListSlackWorkspaces": CallKind.READ,
        "DeleteSlackWorkspace": CallKind.REPEATABLE,
    },
    "WatchService": {
        "Watch": CallKind.STREAM,
    },
}

_RETRIED = (CallKind.READ, CallKind.REPEATABLE)
# Up to 6 s of waiting in all, which outlasts a restart; gRPC adds jitter of its own, and takes no more than 5 attempts.
_RETRY_POLICY = {
    "maxAttempts": 5,
    "initialBackoff": "0.25s",
    "maxBackoff": "4s",
    "backoffMultiplier": 2.5,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# Where more than some calls in ten fail, gRPC stops repeating them: a server in trouble is not given more work.
_RETRY_THROTTLING = {"maxTokens": 1000, "tokenRatio": 0.1}


def service_config(*, retry: bool) -> str:
    """Answer the gRPC service config: calls spread over all addresses of a server, and retries where they are safe."""
    config: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
    if retry:
        config["methodConfig"] = [{"name": list(_retried_names()), "retryPolicy": _RETRY_POLICY}]
        config["retryThrottling"] = _RETRY_THROTTLING
    return json.dumps(config)


def _retried_names() -> Iterator[dict[str, str]]:
    for service, methods in CALL_KINDS.items():
        for method, kind in methods.items():
            if kind in _RETRIED:
                yield {"service": f"{PACKAGE}.{service}", "method": method}
