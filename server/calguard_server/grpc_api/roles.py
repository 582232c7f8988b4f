"""The one table of which role each RPC takes. Reading takes a reader, changing a writer, running the service an admin.

What asks Google, or has a link checked, is no mere reading: it spends the quota, and may lead to a change.
"""

from collections.abc import Mapping

from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection

from calguard_server.auth.callers import Role
from calguard_server.grpc_api.reflection import V1_SERVICE_NAME

_R, _W, _A = Role.READER, Role.WRITER, Role.ADMIN

_ROLES: Mapping[str, Mapping[str, Role]] = {
    "calguard.v1.AccountService": {
        "CreateAccount": _W,
        "GetAccount": _R,
        "ListAccounts": _R,
        "UpdateAccount": _W,
        "DeleteAccount": _W,
    },
    "calguard.v1.AppointmentService": {
        "QueryAvailability": _R,
        "AssignAppointment": _W,
        "GetAppointment": _R,
        "ListAppointments": _R,
        "CancelAppointment": _W,
        "ReassignAppointment": _W,
    },
    "calguard.v1.BookingPageService": {
        "CreateBookingPage": _W,
        "GetBookingPage": _R,
        "ListBookingPages": _R,
        "UpdateBookingPage": _W,
        "DeleteBookingPage": _W,
        "StopBookingPage": _W,
        "ResumeBookingPage": _W,
        "ExplainBookingPage": _R,
    },
    "calguard.v1.CalendarLinkService": {
        "BeginCalendarLink": _W,
        "CompleteCalendarLink": _W,
        "GetCalendarLink": _R,
        "ListCalendarLinks": _R,
        "ListCalendars": _R,
        "SelectCalendars": _W,
        "CheckCalendarLink": _W,
        "DiagnoseCalendarLink": _W,
        "ReportCalendarFailure": _W,
        "DisconnectCalendarLink": _W,
        "DeleteCalendarLink": _W,
    },
    "calguard.v1.NotificationService": {
        "GetNotification": _R,
        "ListNotifications": _R,
        "RetryNotification": _A,
        "DiscardNotification": _A,
    },
    "calguard.v1.ProviderService": {"GetProviderStatus": _R},
    "calguard.v1.ServerService": {"GetServerStatus": _R},
    "calguard.v1.SilenceService": {"CreateSilence": _A, "ListSilences": _R, "DeleteSilence": _A},
    "calguard.v1.SlackWorkspaceService": {
        "PutSlackWorkspace": _A,
        "GetSlackWorkspace": _R,
        "ListSlackWorkspaces": _R,
        "DeleteSlackWorkspace": _A,
    },
    "calguard.v1.WatchService": {"Watch": _R},
    # The contract is no secret, but who has no token needs not know it.
    V1_SERVICE_NAME: {"ServerReflectionInfo": _R},
    reflection.SERVICE_NAME: {"ServerReflectionInfo": _R},
}

ROLE_OF: Mapping[str, Role] = {
    f"/{service}/{method}": role for service, methods in _ROLES.items() for method, role in methods.items()
}
"""By a method's path."""

OPEN = frozenset(
    f"/{service.full_name}/{method.name}"
    for service in health_pb2.DESCRIPTOR.services_by_name.values()
    for method in service.methods
)
"""What is open to all: load balancers ask for the health, and have no token."""


def role_for(method: str) -> Role | None:
    """Answer the role that a method takes; None where it is open to all.

    A method that the table does not name takes the highest role: it is let slip by nobody's mistake.
    """
    return None if method in OPEN else ROLE_OF.get(method, Role.ADMIN)
