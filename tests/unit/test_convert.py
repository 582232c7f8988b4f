"""The domain's resources and changes in the contract's words: nothing is lost, nothing is made up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard.v1 import (
    account_pb2,
    booking_page_pb2,
    calendar_link_pb2,
    cause_pb2,
    explanation_pb2,
    notification_pb2,
    watch_pb2,
)
from calguard_server.domain.account import Account
from calguard_server.domain.appointment import AppointmentState
from calguard_server.domain.calendars import CalendarUse
from calguard_server.domain.causes import Capability, Cause, CauseReason
from calguard_server.domain.delivery import Delivery
from calguard_server.domain.etags import etag_of
from calguard_server.domain.events import Change, ChangeType
from calguard_server.domain.explanation import (
    ExplainedMember,
    ExplainedNotice,
    ExplainedVerdict,
    Explanation,
    MemberReason,
)
from calguard_server.domain.incident import Recipient
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind, NoticeReason
from calguard_server.domain.page import BookingPage, Condition, Fault, PageReason, PageState, StopCause
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.ports.provider import ProviderCalendar
from calguard_server.engine.selection import UsableCalendar
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.account_service import read_new_account
from calguard_server.grpc_api.appointment_wire import appointment_to_wire
from calguard_server.grpc_api.booking_page_service import read_new_page
from calguard_server.grpc_api.convert import (
    account_to_wire,
    calendar_to_wire,
    changed_page_to_wire,
    link_to_wire,
    notification_to_wire,
    page_to_wire,
    to_timestamp,
)
from calguard_server.grpc_api.explanation import explanation_to_wire
from calguard_server.grpc_api.state_change import encode_change, encode_snapshot
from tests.unit.builders import NOW, make_appointment, make_cause, make_delivery, make_link, make_page
from tests.unit.resources import ACCOUNTS, DELIVERIES, IDS, LINKS, PAGES, REVISIONS, TIMES


def time_of(message: Message, field: str) -> datetime | None:
    """Read a time back; None where it is not set."""
    if not message.HasField(field):
        return None
    stamp = getattr(message, field)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def cause_of(message: cause_pb2.Cause) -> Cause:
    since = time_of(message, "since")
    assert since is not None
    reason = enums.CAUSE_REASON.to_domain[message.reason]
    return Cause(reason, since, message.calendar_id, enums.CAPABILITY.to_domain.get(message.capability))


MAPS: list[tuple[enums.EnumMap[Any, Any], EnumDescriptor]] = [
    (enums.LINK_STATE, calendar_link_pb2.CalendarLinkState.DESCRIPTOR),
    (enums.NEXT_ACTION, calendar_link_pb2.NextAction.DESCRIPTOR),
    (enums.CAUSE_REASON, cause_pb2.CauseReason.DESCRIPTOR),
    (enums.CAPABILITY, cause_pb2.Capability.DESCRIPTOR),
    (enums.SCHEDULING_MODE, booking_page_pb2.SchedulingMode.DESCRIPTOR),
    (enums.FAULTY_MEMBERS, booking_page_pb2.FaultyMembers.DESCRIPTOR),
    (enums.ASSIGNMENT_METHOD, booking_page_pb2.AssignmentMethod.DESCRIPTOR),
    (enums.PAGE_STATE, booking_page_pb2.BookingPageState.DESCRIPTOR),
    (enums.STOP_CAUSE, booking_page_pb2.StopCause.DESCRIPTOR),
    (enums.NOTICE_KIND, notification_pb2.NotificationKind.DESCRIPTOR),
    (enums.CHANNEL, notification_pb2.NotificationChannel.DESCRIPTOR),
    (enums.VERDICT_REASON, explanation_pb2.VerdictReason.DESCRIPTOR),
    (enums.MEMBER_CONDITION, explanation_pb2.MemberCondition.DESCRIPTOR),
    (enums.MEMBER_REASON, explanation_pb2.MemberReason.DESCRIPTOR),
    (enums.NOTICE_REASON, explanation_pb2.NoticeReason.DESCRIPTOR),
    (enums.DELIVERY_STATE, notification_pb2.NotificationState.DESCRIPTOR),
    (enums.RESOURCE_KIND, watch_pb2.ResourceKind.DESCRIPTOR),
]


@pytest.mark.parametrize(("mapped", "wire"), MAPS, ids=lambda each: getattr(each, "name", ""))
def test_every_value_of_the_contract_has_one_here_and_the_other_way(
    mapped: enums.EnumMap[Any, Any], wire: EnumDescriptor
) -> None:
    """All but UNSPECIFIED, which is never the domain's."""
    names = {value.number: value.name for value in wire.values if value.number != 0}
    assert set(mapped.to_domain) == set(names)
    assert {names[number].endswith(f"_{member.name}") for number, member in mapped.to_domain.items()} == {True}
    assert all(mapped.to_domain[number] is member for member, number in mapped.to_wire.items())
    assert set(mapped.names) == set(names.values())


def test_the_contract_has_one_type_of_change_more() -> None:
    """A snapshot is no change, so the domain does not know it."""
    beyond = {value.name for value in watch_pb2.StateChangeType.DESCRIPTOR.values} - set(enums.CHANGE_TYPE.names)
    assert beyond == {"STATE_CHANGE_TYPE_UNSPECIFIED", "STATE_CHANGE_TYPE_SNAPSHOT"}


@given(TIMES)
def test_times_keep_their_microseconds(time: datetime) -> None:
    expected = Timestamp()
    expected.FromDatetime(time)
    assert to_timestamp(time) == expected


@given(ACCOUNTS)
def test_an_account_goes_out_and_comes_back(account: Account) -> None:
    message = account_to_wire(account)
    back, _ = read_new_account(account_pb2.CreateAccountRequest(account=message))
    times = {name: time_of(message, name) for name in ("create_time", "update_time")}
    assert replace(back, revision=message.revision, **times) == account
    assert message.etag == etag_of(account)


@given(PAGES)
def test_a_page_goes_out_and_comes_back(page: BookingPage) -> None:
    message = page_to_wire(page)
    back = read_new_page(booking_page_pb2.CreateBookingPageRequest(booking_page=message))
    times = {name: time_of(message, name) for name in ("state_time", "create_time", "update_time")}
    faulty = tuple(Fault(each.account_id, each.calendar_link_id, cause_of(each.cause)) for each in message.faulty)
    assert replace(back, revision=message.revision, phase=page.phase, faulty=faulty, **times) == page
    assert message.etag == etag_of(page)
    assert enums.PAGE_STATE.to_domain[message.state] is page.state
    assert enums.STOP_CAUSE.to_domain[message.stop_cause] is page.stop_cause
    assert message.accepting == (page.state is not PageState.STOPPED)


@given(LINKS)
def test_a_link_goes_out_whole(link: CalendarLink) -> None:
    message = link_to_wire(link)
    times = ("state_time", "last_check_time", "next_check_time", "create_time", "update_time")
    back = replace(
        link,
        id=message.id,
        account_id=message.account_id,
        provider_email=message.provider_email,
        state=enums.LINK_STATE.to_domain[message.state],
        cause=cause_of(message.cause) if message.HasField("cause") else None,
        granted_scopes=tuple(message.granted_scopes),
        check_calendar_ids=tuple(message.check_calendar_ids),
        add_calendar_id=message.add_calendar_id,
        consecutive_failures=message.consecutive_failures,
        revision=message.revision,
        **{name: time_of(message, name) for name in times},
    )
    assert back == link
    assert message.etag == etag_of(link)
    assert message.authorized == link.authorized
    assert enums.NEXT_ACTION.to_domain[message.next_action] is link.next_action
    assert message.provider == calendar_link_pb2.CALENDAR_PROVIDER_GOOGLE


@pytest.mark.parametrize("reason", CauseReason)
def test_a_cause_comes_with_its_words(reason: CauseReason) -> None:
    cause = Cause(reason, NOW, "work", Capability.CHECK)
    message = link_to_wire(make_link(LinkState.FAILED, cause=cause)).cause
    assert (message.message, message.remedy) == (cause.message, cause.remedy)
    assert message.operator_side == cause.operator_side
    assert cause_of(message) == cause


@given(DELIVERIES, st.lists(IDS, max_size=3).map(tuple))
def test_a_notification_goes_out_whole(delivery: Delivery, pages: tuple[str, ...]) -> None:
    message = notification_to_wire(Notification(7, delivery, pages))
    back = replace(
        delivery,
        id=message.id,
        kind=enums.NOTICE_KIND.to_domain[message.kind],
        recipient_account_id=message.recipient_account_id,
        channel=enums.CHANNEL.to_domain[message.channel],
        revision=message.revision,
        state=enums.DELIVERY_STATE.to_domain[message.state],
        attempts=message.attempts,
        address=message.address,
        last_error=message.last_error,
        **{name: time_of(message, name) for name in ("next_attempt_time", "send_time", "create_time")},
    )
    assert back == delivery
    assert tuple(message.booking_page_ids) == pages


def test_a_notification_names_the_first_at_fault() -> None:
    delivery = make_delivery()
    message = notification_to_wire(Notification(1, delivery, ("page",)))
    assert (message.faulty_account_id, message.calendar_link_id) == ("ann", "ann-google")
    nobody = notification_to_wire(Notification(1, replace(delivery, faults=()), ()))
    assert (nobody.faulty_account_id, nobody.calendar_link_id) == ("", "")


def test_an_explanation_goes_out_whole() -> None:
    """Of a link at fault its id and cause come along; of a member that is assumed, that it is assumed."""
    page, cause = make_page(faulty=["ann"]), make_cause(calendar_id="work")
    verdict = ExplainedVerdict(
        PageState.STOPPED, accepting=False, stop_cause=StopCause.BOTH, reason=PageReason.SOME_FAULTY
    )
    ann = ExplainedMember(
        "ann", Condition.FAULTY, MemberReason.LINK_FAILED, "ann-google", cause, one_failure_from_stopping=False
    )
    bob = ExplainedMember(
        "bob", Condition.HEALTHY, MemberReason.ASSUMED_HEALTHY, "", None, one_failure_from_stopping=True
    )
    recipients = (Recipient("olga", (Channel.EMAIL, Channel.SLACK)), Recipient("ann", ()))
    notice = ExplainedNotice(NoticeKind.MEMBER_FAULTY, recipients, ("ann",))
    reason = NoticeReason.ANOTHER_MEMBER_FAULTY
    message = explanation_to_wire(Explanation(page, verdict, (ann, bob), (notice,), reason, 2**40))
    assert message.booking_page == page_to_wire(page)
    assert MessageToDict(message.verdict, preserving_proto_field_name=True) == {
        "state": "BOOKING_PAGE_STATE_STOPPED",
        "stop_cause": "STOP_CAUSE_BOTH",
        "reason": "VERDICT_REASON_SOME_FAULTY",
    }
    of_ann, of_bob = message.members
    assert cause_of(of_ann.cause) == cause
    of_ann.ClearField("cause")
    assert [MessageToDict(each, preserving_proto_field_name=True) for each in (of_ann, of_bob)] == [
        {
            "account_id": "ann",
            "condition": "MEMBER_CONDITION_FAULTY",
            "reason": "MEMBER_REASON_LINK_FAILED",
            "calendar_link_id": "ann-google",
        },
        {
            "account_id": "bob",
            "condition": "MEMBER_CONDITION_HEALTHY",
            "assumed": True,
            "reason": "MEMBER_REASON_ASSUMED_HEALTHY",
            "one_failure_from_stopping": True,
        },
    ]
    assert [MessageToDict(each, preserving_proto_field_name=True) for each in message.notices] == [
        {
            "kind": "NOTIFICATION_KIND_MEMBER_FAULTY",
            "recipients": [
                {"account_id": "olga", "channels": ["NOTIFICATION_CHANNEL_EMAIL", "NOTIFICATION_CHANNEL_SLACK"]},
                {"account_id": "ann"},
            ],
            "faulty_account_ids": ["ann"],
        }
    ]
    assert message.notice_reason == explanation_pb2.NOTICE_REASON_ANOTHER_MEMBER_FAULTY
    assert message.revision == 2**40


def test_a_calendar_comes_with_what_it_can_be_used_for() -> None:
    calendar = ProviderCalendar("team@group.calendar.google.com", "Team 日本", "reader", primary=False)
    message = calendar_to_wire(UsableCalendar(calendar, CalendarUse(can_check=True, can_add=False, refusal="no")))
    assert (message.id, message.summary, message.access_role) == (calendar.id, calendar.summary, "reader")
    assert (message.primary, message.can_check, message.can_add, message.refusal) == (False, True, False, "no")


@given(LINKS | PAGES, st.sampled_from(ChangeType), REVISIONS, REVISIONS, TIMES)
def test_a_change_goes_out_whole(
    resource: CalendarLink | BookingPage, kind: ChangeType, revision: int, caused_by: int, time: datetime
) -> None:
    changed = Change(revision=revision, time=time, type=kind, resource=resource, caused_by=caused_by)
    message = watch_pb2.StateChange.FromString(encode_change(changed))
    assert (message.revision, message.caused_by_revision) == (revision, caused_by)
    assert time_of(message, "time") == time
    assert enums.CHANGE_TYPE.to_domain[message.type] is kind
    if isinstance(resource, CalendarLink):
        assert message.calendar_link == link_to_wire(resource)
    else:
        assert message.booking_page == page_to_wire(resource)


@pytest.mark.parametrize("state", ["", *LinkState])
def test_the_state_a_link_was_in_before(state: str) -> None:
    changed = Change(revision=2, time=NOW, type=ChangeType.DELETED, resource=make_link(), previous_state=state)
    message = watch_pb2.StateChange.FromString(encode_change(changed))
    assert enums.LINK_STATE.to_domain.get(message.previous_link_state, "") == state
    assert message.previous_page_state == booking_page_pb2.BOOKING_PAGE_STATE_UNSPECIFIED


@pytest.mark.parametrize("state", ["", *PageState])
def test_the_state_a_page_was_in_before(state: str) -> None:
    changed = Change(revision=2, time=NOW, type=ChangeType.STATE_CHANGED, resource=make_page(), previous_state=state)
    message = watch_pb2.StateChange.FromString(encode_change(changed))
    assert enums.PAGE_STATE.to_domain.get(message.previous_page_state, "") == state
    assert message.previous_link_state == calendar_link_pb2.CALENDAR_LINK_STATE_UNSPECIFIED


@pytest.mark.parametrize("state", ["", *AppointmentState])
def test_the_state_an_appointment_was_in_before(state: str) -> None:
    appointment = make_appointment("a1", "ann", "bob")
    changed = Change(revision=9, time=NOW, type=ChangeType.UPDATED, resource=appointment, previous_state=state)
    message = watch_pb2.StateChange.FromString(encode_change(changed))
    assert enums.APPOINTMENT_STATE.to_domain.get(message.previous_appointment_state, "") == state
    assert message.appointment == appointment_to_wire(appointment)
    assert (message.revision, time_of(message, "time")) == (9, NOW)


def test_a_snapshot_of_an_appointment() -> None:
    appointment = make_appointment()
    message = watch_pb2.StateChange.FromString(encode_snapshot(appointment))
    assert message.type == watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT
    assert (message.revision, time_of(message, "time")) == (appointment.revision, appointment.update_time)
    assert message.appointment == appointment_to_wire(appointment)
    assert message.appointment.revision == 7
    assert message.appointment.etag


@given(LINKS | PAGES)
def test_a_snapshot_tells_when_the_resource_last_changed(resource: CalendarLink | BookingPage) -> None:
    message = watch_pb2.StateChange.FromString(encode_snapshot(resource))
    assert message.type == watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT
    assert (message.revision, time_of(message, "time")) == (resource.revision, resource.update_time)
    assert message.WhichOneof("resource") == ("calendar_link" if isinstance(resource, CalendarLink) else "booking_page")


@given(st.lists(PAGES, min_size=1, max_size=5))
def test_a_changed_page_reads_as_any_other_however_many_changed_before(pages: list[BookingPage]) -> None:
    """Also the second time, and also where it equals another, or has the id of one that looked different."""
    again = [replace(page, title=f"{page.title}!") for page in pages]
    for page in (*pages, *again, *pages):
        assert changed_page_to_wire(page) == page_to_wire(page)


def test_the_message_of_a_changed_page_is_shared_and_not_kept_for_ever() -> None:
    page = make_page()
    message = changed_page_to_wire(page)
    assert changed_page_to_wire(page) is message
    for revision in range(2_000):
        changed_page_to_wire(make_page(revision=revision))
    assert changed_page_to_wire(page) is not message
