"""The fields that callers set, and how each is read: the whole of them on create, those of the mask on update."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from calguard.v1 import account_pb2, booking_page_pb2, slack_pb2
from calguard_server.domain.account import Channel, LinkAlerts, SlackAddress
from calguard_server.domain.page import AssignmentMethod, FaultyMembers, Member, SchedulingMode
from calguard_server.domain.secret import Secret
from calguard_server.domain.webhook import WebhookWish
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.validation import Checker

MEMBERS_MAX = 500
PRIORITY_MAX = 1_000
_SLACK_ID_MAX = 63

Reader = Callable[[Checker, str, Any], Any]
"""Checks the value of a field at a path, and answers it as the domain has it."""


def read_fields(check: Checker, path: str, message: Message, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Read fields of a message; the domain names them as the contract does."""
    return {name: read(check, f"{path}.{name}", getattr(message, name)) for name, read in readers.items()}


def _read_slack(check: Checker, path: str, slack: slack_pb2.SlackAddress) -> SlackAddress:
    return SlackAddress(
        workspace_id=check.text(f"{path}.workspace_id", slack.workspace_id, _SLACK_ID_MAX),
        user_id=check.slack_id(f"{path}.user_id", slack.user_id),
        channel_id=check.slack_id(f"{path}.channel_id", slack.channel_id),
    )


def _read_members(check: Checker, path: str, members: list[booking_page_pb2.BookingPageMember]) -> tuple[Member, ...]:
    if not check.at_most(path, members, MEMBERS_MAX):
        return ()
    check.unique(path, (member.account_id for member in members), ".account_id")
    return tuple(_read_member(check, f"{path}[{index}]", member) for index, member in enumerate(members))


def _read_member(check: Checker, path: str, member: booking_page_pb2.BookingPageMember) -> Member:
    check.id(f"{path}.account_id", member.account_id)
    check.expect(0 <= member.priority <= PRIORITY_MAX, f"{path}.priority", f"expected 0 to {PRIORITY_MAX}")
    return Member(member.account_id, member.priority)


def _read_mode(check: Checker, path: str, number: int) -> SchedulingMode | None:
    return check.enum(path, number, enums.SCHEDULING_MODE)


def _read_faulty_members(check: Checker, path: str, number: int) -> FaultyMembers | None:
    return check.enum(path, number, enums.FAULTY_MEMBERS, FaultyMembers.KEEP)


def _read_assignment_method(check: Checker, path: str, number: int) -> AssignmentMethod | None:
    return check.enum(path, number, enums.ASSIGNMENT_METHOD, AssignmentMethod.EVEN)


def _read_channels(check: Checker, path: str, numbers: Sequence[int]) -> tuple[Channel, ...]:
    check.unique(path, map(str, numbers))
    return tuple(sorted(check.enums(path, numbers, enums.CHANNEL)))


def _read_link_alerts(check: Checker, path: str, number: int) -> LinkAlerts | None:
    return check.enum(path, number, enums.LINK_ALERTS, LinkAlerts.PAGE_RULES)


def _read_webhook(check: Checker, path: str, webhook: account_pb2.Webhook) -> WebhookWish:
    url, secret = webhook.url, webhook.secret
    if check.expect(bool(url) or not secret, f"{path}.url", "expected the URL that the secret goes with"):
        check.https_url(f"{path}.url", url)
    check.webhook_secret(f"{path}.secret", secret)
    return WebhookWish(url, Secret(secret) if secret else None)


ACCOUNT_FIELDS: dict[str, Reader] = {
    "display_name": Checker.name,
    "email": Checker.email,
    "locale": Checker.locale,
    "slack": _read_slack,
    "channels": _read_channels,
    "link_alerts": _read_link_alerts,
    "webhook": _read_webhook,
}

BOOKING_PAGE_FIELDS: dict[str, Reader] = {
    "owner_account_id": Checker.id,
    "title": Checker.name,
    "scheduling_mode": _read_mode,
    "members": _read_members,
    "faulty_members": _read_faulty_members,
    "assignment_method": _read_assignment_method,
    "slack": _read_slack,
}
