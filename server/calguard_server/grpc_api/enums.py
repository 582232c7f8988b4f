"""The domain's enums and the contract's, name by name, worked out once."""

from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from calguard.v1 import (
    account_pb2,
    appointment_pb2,
    booking_page_pb2,
    calendar_link_pb2,
    cause_pb2,
    explanation_pb2,
    notification_pb2,
    provider_pb2,
    slack_workspace_pb2,
    watch_pb2,
)
from calguard_server.domain.account import LinkAlerts
from calguard_server.domain.appointment import AppointmentState, EntryState
from calguard_server.domain.causes import Capability, CauseReason, NextAction
from calguard_server.domain.delivery import AttemptOutcome, DeliveryState
from calguard_server.domain.diagnosis import Stage, StageOutcome
from calguard_server.domain.events import ChangeType, ResourceKind, WatchMode
from calguard_server.domain.explanation import MemberReason
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.notices import Channel, NoticeKind, NoticeReason
from calguard_server.domain.page import (
    AssignmentMethod,
    Condition,
    FaultyMembers,
    PageReason,
    PageState,
    SchedulingMode,
    StopCause,
)
from calguard_server.domain.provider_incident import ProviderState
from calguard_server.domain.slack_workspace import SlackWorkspaceState
from calguard_server.engine.notifications import NotificationOrder
from calguard_server.engine.revoking import Revocation

D = TypeVar("D", bound=StrEnum)
W = TypeVar("W", bound=int)
W_co = TypeVar("W_co", bound=int, covariant=True)


class WireEnum(Protocol[W_co]):
    """An enum as protobuf generates it."""

    def Value(self, name: str) -> W_co:  # noqa: N802 - protobuf's name
        """Answer a name's number."""
        ...


class EnumMap(Generic[D, W]):
    """One enum both ways: `LINKED` here is `CALENDAR_LINK_STATE_LINKED` there."""

    def __init__(self, prefix: str, domain: type[D], wire: WireEnum[W]) -> None:
        self.to_wire: dict[D, W] = {member: wire.Value(f"{prefix}_{member.name}") for member in domain}
        self.names = tuple(f"{prefix}_{member.name}" for member in domain)
        self.to_domain: dict[int, D] = {number: member for member, number in self.to_wire.items()}


APPOINTMENT_STATE = EnumMap("APPOINTMENT_STATE", AppointmentState, appointment_pb2.AppointmentState)
ENTRY_STATE = EnumMap("CALENDAR_ENTRY_STATE", EntryState, appointment_pb2.CalendarEntryState)
LINK_ALERTS = EnumMap("LINK_ALERTS", LinkAlerts, account_pb2.LinkAlerts)
PROVIDER_STATE = EnumMap("PROVIDER_STATE", ProviderState, provider_pb2.ProviderState)
LINK_STATE = EnumMap("CALENDAR_LINK_STATE", LinkState, calendar_link_pb2.CalendarLinkState)
NEXT_ACTION = EnumMap("NEXT_ACTION", NextAction, calendar_link_pb2.NextAction)
GRANT_REVOCATION = EnumMap("GRANT_REVOCATION", Revocation, calendar_link_pb2.GrantRevocation)
CAUSE_REASON = EnumMap("CAUSE_REASON", CauseReason, cause_pb2.CauseReason)
CAPABILITY = EnumMap("CAPABILITY", Capability, cause_pb2.Capability)
DIAGNOSIS_STAGE = EnumMap("DIAGNOSIS_STAGE", Stage, calendar_link_pb2.DiagnosisStage)
DIAGNOSIS_OUTCOME = EnumMap("DIAGNOSIS_OUTCOME", StageOutcome, calendar_link_pb2.DiagnosisOutcome)
WATCH_MODE = EnumMap("WATCH_MODE", WatchMode, watch_pb2.WatchMode)
SCHEDULING_MODE = EnumMap("SCHEDULING_MODE", SchedulingMode, booking_page_pb2.SchedulingMode)
FAULTY_MEMBERS = EnumMap("FAULTY_MEMBERS", FaultyMembers, booking_page_pb2.FaultyMembers)
ASSIGNMENT_METHOD = EnumMap("ASSIGNMENT_METHOD", AssignmentMethod, booking_page_pb2.AssignmentMethod)
PAGE_STATE = EnumMap("BOOKING_PAGE_STATE", PageState, booking_page_pb2.BookingPageState)
STOP_CAUSE = EnumMap("STOP_CAUSE", StopCause, booking_page_pb2.StopCause)
VERDICT_REASON = EnumMap("VERDICT_REASON", PageReason, explanation_pb2.VerdictReason)
MEMBER_CONDITION = EnumMap("MEMBER_CONDITION", Condition, explanation_pb2.MemberCondition)
MEMBER_REASON = EnumMap("MEMBER_REASON", MemberReason, explanation_pb2.MemberReason)
NOTICE_REASON = EnumMap("NOTICE_REASON", NoticeReason, explanation_pb2.NoticeReason)
NOTICE_KIND = EnumMap("NOTIFICATION_KIND", NoticeKind, notification_pb2.NotificationKind)
CHANNEL = EnumMap("NOTIFICATION_CHANNEL", Channel, notification_pb2.NotificationChannel)
DELIVERY_STATE = EnumMap("NOTIFICATION_STATE", DeliveryState, notification_pb2.NotificationState)
ATTEMPT_OUTCOME = EnumMap("NOTIFICATION_ATTEMPT_OUTCOME", AttemptOutcome, notification_pb2.NotificationAttemptOutcome)
NOTIFICATION_ORDER = EnumMap("NOTIFICATION_ORDER", NotificationOrder, notification_pb2.NotificationOrder)
CHANGE_TYPE = EnumMap("STATE_CHANGE_TYPE", ChangeType, watch_pb2.StateChangeType)
SLACK_WORKSPACE_STATE = EnumMap("SLACK_WORKSPACE_STATE", SlackWorkspaceState, slack_workspace_pb2.SlackWorkspaceState)
RESOURCE_KIND = EnumMap("RESOURCE_KIND", ResourceKind, watch_pb2.ResourceKind)
