"""Hypothesis strategies: resources as the domain may have them."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.causes import Capability, Cause, CauseReason
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import (
    AssignmentMethod,
    BookingPage,
    Fault,
    FaultyMembers,
    Member,
    PagePhase,
    SchedulingMode,
)
from calguard_server.grpc_api.characters import is_one_line, is_seen
from calguard_server.grpc_api.validation import ID

TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)  # noqa: DTZ001 - bounds
)  # fmt: skip
IDS = st.from_regex(ID, fullmatch=True)
NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40).filter(
    lambda text: is_one_line(text) and is_seen(text)
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
SLACK_ID = st.from_regex(r"[A-Z0-9]{0,11}", fullmatch=True)
SLACK = st.builds(SlackAddress, workspace_id=SLACK_ID, user_id=SLACK_ID, channel_id=SLACK_ID)
REVISIONS = st.integers(0, 2**63 - 1)
CAUSES = st.builds(Cause, st.sampled_from(CauseReason), TIMES, TEXTS, st.none() | st.sampled_from(Capability))
FAULTS = st.builds(Fault, IDS, IDS, CAUSES)
EMAILS = st.sampled_from(["", "ann@example.com", "a.b+c@x-y.co.jp"])

ACCOUNTS = st.builds(
    Account, id=IDS, display_name=NAMES, email=EMAILS, locale=st.sampled_from(Locale), slack=SLACK,
    revision=REVISIONS, create_time=TIMES, update_time=TIMES,
)  # fmt: skip
LINKS = st.builds(
    CalendarLink, id=IDS, account_id=IDS, provider_subject=TEXTS, provider_email=TEXTS,
    state=st.sampled_from(LinkState), cause=st.none() | CAUSES, state_time=TIMES, has_grant=st.booleans(),
    granted_scopes=st.lists(TEXTS, max_size=3).map(tuple), check_calendar_ids=st.lists(TEXTS, max_size=3).map(tuple),
    add_calendar_id=TEXTS, last_check_time=st.none() | TIMES, next_check_time=st.none() | TIMES,
    consecutive_failures=st.integers(0, 2**31 - 1), failing_since=st.none() | TIMES, evidence=REVISIONS,
    revision=REVISIONS, create_time=TIMES, update_time=TIMES,
)  # fmt: skip
PAGES = st.builds(
    BookingPage, id=IDS, owner_account_id=IDS, title=NAMES, scheduling_mode=st.sampled_from(SchedulingMode),
    members=st.lists(
        st.builds(Member, IDS, st.integers(0, 1000)), max_size=4, unique_by=lambda member: member.account_id
    ).map(tuple),
    faulty_members=st.sampled_from(FaultyMembers), assignment_method=st.sampled_from(AssignmentMethod), slack=SLACK,
    phase=st.sampled_from(PagePhase), faulty=st.lists(FAULTS, max_size=3).map(tuple), state_time=TIMES,
    revision=REVISIONS, create_time=TIMES, update_time=TIMES,
)  # fmt: skip
DELIVERIES = st.builds(
    Delivery, id=IDS, incident_id=IDS, booking_page_id=IDS, kind=st.sampled_from(NoticeKind), stage=TEXTS,
    recipient_account_id=IDS, channel=st.sampled_from(Channel), faults=st.lists(FAULTS, max_size=2).map(tuple),
    revision=REVISIONS, state=st.sampled_from(DeliveryState), attempts=st.integers(0, 15),
    next_attempt_time=st.none() | TIMES, create_time=TIMES, address=TEXTS, last_error=TEXTS,
    send_time=st.none() | TIMES,
)  # fmt: skip
