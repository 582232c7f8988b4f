"""The one table of what a caller whose accounts are limited may call, and of which ids in a request is looked at first.

Reading takes that a thing is seen, changing it that it is its owner's: see engine/visibility.py. Lists and watches are
NARROWED: their handlers keep to the accounts of the scope. What is the operator's takes a scope without limits.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from grpc_reflection.v1alpha import reflection

from calguard_server.domain.scope import Scope
from calguard_server.engine.visibility import Visibility, scope_too_small
from calguard_server.grpc_api.reflection import V1_SERVICE_NAME

Rule = Callable[[Visibility, Scope, Any], Awaitable[None]]
"""Refuses a request by raising CalguardError. Ids that are empty are let pass, for the method itself to refuse."""


async def NARROWED(_visible: Visibility, _scope: Scope, _request: object) -> None:  # noqa: N802 - stands in a table
    """Leave it to the handler, which answers what is seen only."""


async def OPERATOR(_visible: Visibility, _scope: Scope, _request: object) -> None:  # noqa: N802 - stands in a table
    """Refuse whoever is limited to some accounts."""
    raise scope_too_small("this concerns the service as a whole: it takes a caller who is not limited to some accounts")


def _by(judge: Callable[[Visibility, Scope, str], Awaitable[object]], path: str) -> Rule:
    """Judge what the field of that path names."""

    async def rule(visible: Visibility, scope: Scope, request: object) -> None:
        named: Any = request
        for part in path.split("."):
            named = getattr(named, part)
        if named:
            await judge(visible, scope, named)

    return rule


async def _account(visible: Visibility, scope: Scope, account_id: str) -> None:
    visible.accounts(scope, [account_id])


async def _new_account(visible: Visibility, scope: Scope, request: Any) -> None:  # noqa: ANN401 - of the contract
    if not request.account.id:
        raise scope_too_small("an account is created with an id, by callers who are limited to some accounts")
    visible.accounts(scope, [request.account.id])


async def _new_page(visible: Visibility, scope: Scope, request: Any) -> None:  # noqa: ANN401 - of the contract
    visible.accounts(scope, _accounts_of(request.booking_page))


async def _changed_page(visible: Visibility, scope: Scope, request: Any) -> None:  # noqa: ANN401 - of the contract
    """Whom a page has already it may keep; others have to be seen."""
    if request.booking_page.id:
        page = await visible.own_page(scope, request.booking_page.id)
        visible.accounts(scope, (each for each in _accounts_of(request.booking_page) if each not in page.account_ids))


async def _begun(visible: Visibility, scope: Scope, request: Any) -> None:  # noqa: ANN401 - of the contract
    visible.accounts(scope, filter(None, [request.account_id]))
    if request.calendar_link_id:
        await visible.link(scope, request.calendar_link_id)


def _accounts_of(page: Any) -> list[str]:  # noqa: ANN401 - of the contract
    named = [page.owner_account_id, *(member.account_id for member in page.members)]
    return [each for each in named if each]


_LINK, _PAGE, _OWN_PAGE = Visibility.link, Visibility.page, Visibility.own_page
_APPOINTMENT, _OWN_APPOINTMENT = Visibility.appointment, Visibility.own_appointment

_SCOPES: Mapping[str, Mapping[str, Rule]] = {
    "calguard.v1.AccountService": {
        "CreateAccount": _new_account,
        "GetAccount": _by(_account, "id"),
        "ListAccounts": NARROWED,
        "UpdateAccount": _by(_account, "account.id"),
        "DeleteAccount": _by(_account, "id"),
    },
    "calguard.v1.AppointmentService": {
        "QueryAvailability": _by(_PAGE, "booking_page_id"),
        "AssignAppointment": _by(_OWN_PAGE, "booking_page_id"),
        "GetAppointment": _by(_APPOINTMENT, "id"),
        "ListAppointments": NARROWED,
        "CancelAppointment": _by(_OWN_APPOINTMENT, "id"),
        "ReassignAppointment": _by(_OWN_APPOINTMENT, "id"),
    },
    "calguard.v1.BookingPageService": {
        "CreateBookingPage": _new_page,
        "GetBookingPage": _by(_PAGE, "id"),
        "ListBookingPages": NARROWED,
        "UpdateBookingPage": _changed_page,
        "DeleteBookingPage": _by(_OWN_PAGE, "id"),
        "StopBookingPage": _by(_OWN_PAGE, "id"),
        "ResumeBookingPage": _by(_OWN_PAGE, "id"),
        "ExplainBookingPage": _by(_PAGE, "id"),
    },
    "calguard.v1.CalendarLinkService": {
        "BeginCalendarLink": _begun,
        "CompleteCalendarLink": _by(Visibility.attempt, "state"),
        "GetCalendarLink": _by(_LINK, "id"),
        "ListCalendarLinks": NARROWED,
        "ListCalendars": _by(_LINK, "calendar_link_id"),
        "SelectCalendars": _by(_LINK, "id"),
        "CheckCalendarLink": _by(_LINK, "id"),
        "DiagnoseCalendarLink": _by(_LINK, "id"),
        "ReportCalendarFailure": _by(_LINK, "calendar_link_id"),
        "DisconnectCalendarLink": _by(_LINK, "id"),
        "DeleteCalendarLink": _by(_LINK, "id"),
    },
    "calguard.v1.NotificationService": {
        "GetNotification": _by(Visibility.notification, "id"),
        "ListNotifications": NARROWED,
        "RetryNotification": _by(Visibility.notification, "id"),
        "DiscardNotification": _by(Visibility.notification, "id"),
    },
    "calguard.v1.ProviderService": {"GetProviderStatus": OPERATOR},
    "calguard.v1.ServerService": {"GetServerStatus": OPERATOR},
    "calguard.v1.SilenceService": {"CreateSilence": OPERATOR, "ListSilences": OPERATOR, "DeleteSilence": OPERATOR},
    "calguard.v1.SlackWorkspaceService": {
        "PutSlackWorkspace": OPERATOR,
        "GetSlackWorkspace": OPERATOR,
        "ListSlackWorkspaces": OPERATOR,
        "DeleteSlackWorkspace": OPERATOR,
    },
    "calguard.v1.WatchService": {"Watch": NARROWED},
    # The contract is the same for all.
    V1_SERVICE_NAME: {"ServerReflectionInfo": NARROWED},
    reflection.SERVICE_NAME: {"ServerReflectionInfo": NARROWED},
}

RULE_OF: Mapping[str, Rule] = {
    f"/{service}/{method}": rule for service, methods in _SCOPES.items() for method, rule in methods.items()
}
"""By a method's path."""


def rule_for(method: str) -> Rule:
    """Answer the rule of a method. One that the table does not name is the operator's: nobody lets it slip."""
    return RULE_OF.get(method, OPERATOR)
